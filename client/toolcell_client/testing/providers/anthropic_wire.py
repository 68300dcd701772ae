"""
`POST /v1/messages`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import anthropic_words as words
from toolcell_client.testing.providers import anthropic_write as write
from toolcell_client.testing.providers.anthropic_read import check_block, read_messages
from toolcell_client.testing.providers.anthropic_tools import check_choice, check_tools
from toolcell_client.testing.providers.anthropic_words import field, invalid, only, typed
from toolcell_client.testing.providers.refusing import Refused
from toolcell_client.testing.providers.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_client.testing.providers.reply import Reply, Request

# Those of `MessageCreateParams` in the anthropic package.
_FIELDS = """
cache_control container diagnostics inference_geo max_tokens messages metadata model
output_config service_tier speed stop_sequences stream system temperature thinking tool_choice
tools top_k top_p user_profile_id workspace_id
"""
FIELDS = frozenset(_FIELDS.split())


SAMPLING = frozenset({"temperature", "top_p", "top_k"})


class AnthropicWire:
    """
    See `Wire`.
    """

    provider = "anthropic"
    reply_prefix = "msg_"
    call_prefix = "toolu_"
    wrong_key_status = 401

    def authorize(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:  # noqa: ARG002
        return words.authorize(headers)

    def read(self, request: Request) -> View:
        body = request.body
        only(body, FIELDS)
        if newest(request.headers):
            for name in SAMPLING & set(body):
                raise invalid(name, "Extra inputs are not permitted")
        model = field(body, "model", str)
        if field(body, "max_tokens", int) < 1:
            raise invalid("max_tokens", "Input should be greater than or equal to 1")
        tools = check_tools(body.get("tools") or [])
        mode, allowed, parallel = check_choice(body.get("tool_choice"), tools)
        messages = field(body, "messages", list)
        read = read_messages(messages)
        if newest(request.headers):
            check_newest(messages)
        if read.tools_used and not tools:
            raise Refused(
                400, "Requests which include `tool_use` or `tool_result` blocks must define tools."
            )
        return View(
            provider=self.provider,
            model=model,
            instructions=_system(body.get("system", "")),
            tools=tools,
            entries=tuple(read.entries),
            choice=mode,
            allowed=allowed,
            parallel=parallel,
            stream=bool(body.get("stream")),
            cacheable='"cache_control": {' in json.dumps(body),
        )

    def whole(self, reply: Reply) -> dict[str, Any]:
        return write.message(reply)

    def events(self, reply: Reply) -> Iterator[str]:
        return write.events(reply)

    def error(self, refused: Refused) -> dict[str, Any]:
        return words.error(refused)


def newest(headers: Mapping[str, str]) -> bool:
    """
    Whether the client speaks the version whose Messages are stricter.
    """
    return headers.get("anthropic-version", "") >= "2026-10-21"


def check_newest(messages: list[Any]) -> None:
    """
    What version 2026-10-21 refuses and 2023-06-01 took.

    Source: Anthropic's "Migrating to API version 2026-10-21".
    """
    for at, message in enumerate(messages):
        content = message["content"] if isinstance(message["content"], list) else []
        for number, block in enumerate(content):
            here = f"messages.{at}.content.{number}"
            if message["role"] == "assistant" and block["type"] == "document":
                raise invalid(here, "`document` blocks are not permitted in `assistant` messages")
            if message["role"] == "user" and block["type"] == "text" and "citations" in block:
                raise invalid(f"{here}.text.citations", "Extra inputs are not permitted")


def _system(system: Any) -> str:
    if isinstance(system, str):
        return system
    texts = []
    for at, block in enumerate(typed(system, list, "system")):
        check_block(block, f"system.{at}", ("text",))
        texts.append(block["text"])
    return "\n".join(texts)
