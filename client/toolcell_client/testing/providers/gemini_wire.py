"""
`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent?alt=sse`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import gemini_words as words
from toolcell_client.testing.providers import gemini_write as write
from toolcell_client.testing.providers.gemini_read import PART, read_contents
from toolcell_client.testing.providers.gemini_tools import check_config, check_tools
from toolcell_client.testing.providers.gemini_words import invalid, take
from toolcell_client.testing.providers.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.testing.providers.refusing import Refused
    from toolcell_client.testing.providers.reply import Reply, Request

PATH = re.compile(r"/v1(?:beta)?/models/([^/:]+):(generateContent|streamGenerateContent)")
FIELDS = {
    "contents": list,
    "tools": list,
    "toolConfig": dict,
    "systemInstruction": dict,
    "generationConfig": dict,
    "safetySettings": list,
    "cachedContent": str,
    "labels": dict,
    "model": str,
    "serviceTier": str,
    "store": bool,
}


class GeminiWire:
    """
    See `Wire`.
    """

    provider = "gemini"
    reply_prefix = "response_"
    call_prefix = "call_"
    wrong_key_status = 400

    def authorize(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        return words.authorize(headers, query)

    def read(self, request: Request) -> View:
        found = PATH.fullmatch(request.path)
        assert found is not None
        model, method = found.groups()
        stream = method == "streamGenerateContent"
        if stream and request.query.get("alt") != "sse":
            raise invalid("this server streams with alt=sse only")
        body = take(request.body, FIELDS, "")
        tools = check_tools(body.get("tools", []))
        mode, allowed = check_config(body.get("toolConfig", {}), tools)
        read = read_contents(body.get("contents", []), signs=write.signs(model))
        return View(
            provider=self.provider,
            model=model,
            instructions=_system(body.get("systemInstruction")),
            tools=tools,
            entries=tuple(read.entries),
            choice=mode,
            allowed=allowed,
            stream=stream,
        )

    def whole(self, reply: Reply) -> dict[str, Any]:
        return write.response(reply)

    def events(self, reply: Reply) -> Iterator[str]:
        return write.chunks(reply)

    def error(self, refused: Refused) -> dict[str, Any]:
        return words.error(refused)


def _system(system: Any) -> str:
    if system is None:
        return ""
    where = "system_instruction"
    content = take(system, {"role": str, "parts": list}, where)
    texts = []
    for at, part in enumerate(content.get("parts", ())):
        texts.append(take(part, PART, f"{where}.parts[{at}]").get("text", ""))
    return "\n".join(texts)
