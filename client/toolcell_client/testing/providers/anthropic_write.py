"""
Writes messages of Anthropic's API, whole and as events.  Pure.

Source: `anthropic/types/message.py` and `raw_message_stream_event.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.anthropic_read import SIGNATURE
from toolcell_client.testing.providers.reply import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers.reply import MadeCall, Reply

STOPS = {
    "end": "end_turn",
    "calls": "tool_use",
    "length": "max_tokens",
    "refused": "refusal",
    "cancelled": "end_turn",
}


def message(reply: Reply) -> dict[str, Any]:
    """
    The whole response.
    """
    content: list[dict[str, Any]] = []
    if reply.turn.how.thought:
        content.append(
            {"type": "thinking", "thinking": reply.turn.how.thought, "signature": SIGNATURE}
        )
    if reply.turn.text:
        content.append({"type": "text", "text": reply.turn.text, "citations": None})
    content += [_block(call) | {"input": _value(call)} for call in reply.calls]
    return _envelope(reply, content, STOPS[reply.turn.finish], reply.usage.output)


def events(reply: Reply) -> Iterator[str]:
    """
    The response as server-sent events, each with its name.
    """
    yield _event("message_start", {"message": _envelope(reply, [], None, 1)})
    yield _event("ping", {})
    for index, (start, deltas) in enumerate(_blocks(reply)):
        yield _event("content_block_start", {"index": index, "content_block": start})
        for delta in deltas:
            yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
    stop = {"stop_reason": STOPS[reply.turn.finish], "stop_sequence": None}
    used = {"output_tokens": reply.usage.output}
    yield _event("message_delta", {"delta": stop, "usage": used})
    yield _event("message_stop", {})


def _blocks(reply: Reply) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """
    Each block as it starts, and what comes to it.
    """
    size = reply.turn.how.piece_characters
    if thought := reply.turn.how.thought:
        deltas = [{"type": "thinking_delta", "thinking": each} for each in pieces(thought, size)]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if reply.turn.text:
        texts = [{"type": "text_delta", "text": each} for each in pieces(reply.turn.text, size)]
        yield {"type": "text", "text": ""}, texts
    for call in reply.calls:
        # The first piece is empty, and a call without arguments has no other.
        written = ["", *([] if call.arguments == "{}" else pieces(call.arguments, size))]
        parts = [{"type": "input_json_delta", "partial_json": each} for each in written]
        yield _block(call) | {"input": {}}, parts


def _block(call: MadeCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call.call_id,
        "name": call.name,
        "caller": {"type": "direct"},
    }


def _value(call: MadeCall) -> Any:
    """
    Arguments as an object.  What is none is wrapped, as the API's own guide has it.
    """
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"INVALID_JSON": call.arguments}


def _envelope(
    reply: Reply, content: list[dict[str, Any]], stop: str | None, output: int
) -> dict[str, Any]:
    used = reply.usage
    return {
        "id": reply.reply_id,
        "type": "message",
        "role": "assistant",
        "model": reply.view.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": used.input - used.cached - used.cache_written,
            "cache_creation_input_tokens": used.cache_written,
            "cache_read_input_tokens": used.cached,
            "output_tokens": output,
            "service_tier": "standard",
        },
    }


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n"
