"""
Writes responses of the Gemini API, whole and as chunks.  Pure.

Source: `GenerateContentResponse` in `google/genai/types.py`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.reply import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers.reply import MadeCall, Reply

FINISHES = {
    "end": "STOP",
    "calls": "STOP",
    "length": "MAX_TOKENS",
    "refused": "SAFETY",
    "cancelled": "OTHER",
}


def signs(model: str) -> bool:
    """
    Whether a model signs its calls, and wants the signature back.
    """
    return model.startswith("gemini-3")


def response(reply: Reply) -> dict[str, Any]:
    """
    The whole response.
    """
    return _envelope(reply, [*_said(reply, None), *_calls(reply)], last=True)


def chunks(reply: Reply) -> Iterator[str]:
    """
    The response as server-sent events.  Calls are whole: only Vertex streams arguments.
    """
    for part in _said(reply, reply.turn.how.piece_characters):
        yield _event(_envelope(reply, [part], last=False))
    for part in _calls(reply):
        yield _event(_envelope(reply, [part], last=False))
    yield _event(_envelope(reply, [{"text": ""}] if reply.turn.text else [], last=True))


def _said(reply: Reply, size: int | None) -> list[dict[str, Any]]:
    thought, text = reply.turn.how.thought, reply.turn.text
    config = reply.body.get("generationConfig") or {}
    parts = []
    if thought and (config.get("thinkingConfig") or {}).get("includeThoughts"):
        parts += [{"text": each, "thought": True} for each in pieces(thought, size or len(thought))]
    return parts + [{"text": each} for each in pieces(text, size or max(1, len(text)))]


def _calls(reply: Reply) -> list[dict[str, Any]]:
    if _malformed(reply):
        return []
    parts: list[dict[str, Any]] = []
    for at, call in enumerate(reply.calls):
        # Ids only where the script names them: this API leaves them out.
        named = {"id": call.call_id} if at < len(reply.turn.how.ids) else {}
        called = named | {"name": call.name, "args": _arguments(call)}
        parts.append({"functionCall": called})
    if parts and (signs(reply.view.model) or reply.turn.how.thought):
        signature = b64encode((reply.turn.how.thought or "thought").encode()).decode()
        parts[0]["thoughtSignature"] = signature
    return parts


def _arguments(call: MadeCall) -> dict[str, Any] | None:
    """
    Arguments as an object, None: they are none.
    """
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _malformed(reply: Reply) -> bool:
    """
    Whether the model wrote what cannot be a call; then there is none, and `finishReason` says so.
    """
    return any(_arguments(each) is None for each in reply.calls)


def _envelope(reply: Reply, parts: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if last:
        candidate["finishReason"] = FINISHES[reply.turn.finish]
    if last and _malformed(reply) and reply.turn.finish == "calls":
        candidate["finishReason"] = "MALFORMED_FUNCTION_CALL"
        written = ", ".join(f"{each.name}({each.arguments})" for each in reply.calls)
        candidate["finishMessage"] = f"Malformed function call: {written}"
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(reply),
        "modelVersion": reply.view.model,
        "responseId": reply.reply_id,
    }


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    usage = {
        "promptTokenCount": used.input,
        "candidatesTokenCount": used.output - used.reasoning,
        "totalTokenCount": used.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.input}],
    }
    if used.cached:
        usage["cachedContentTokenCount"] = used.cached
    if used.reasoning:
        usage["thoughtsTokenCount"] = used.reasoning
    return usage


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\r\n\r\n"
