"""
Writes chat completions, whole and as chunks.  Pure.

Source: `openai/types/chat/chat_completion.py` and `chat_completion_chunk.py`.
"""

from __future__ import annotations

import json
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.reply import CREATED, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers.reply import MadeCall, Reply

FINISHES = {
    "end": "stop",
    "calls": "tool_calls",
    "length": "length",
    "refused": "content_filter",
    "cancelled": "stop",
}


def completion(reply: Reply) -> dict[str, Any]:
    """
    The whole response.
    """
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.turn.text or None,
        "refusal": None,
        "annotations": [],
    }
    if reply.calls and legacy(reply):
        message["function_call"] = _function(reply.calls[0])
    elif reply.calls:
        message["tool_calls"] = [
            {"id": each.call_id, "type": "function", "function": _function(each)}
            for each in reply.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        "id": reply.reply_id,
        "object": "chat.completion",
        "created": CREATED,
        "model": reply.view.model,
        "choices": [choice],
        "usage": usage(reply),
        "service_tier": "default",
        "system_fingerprint": "fp_local",
    }


def chunks(reply: Reply) -> Iterator[str]:
    """
    The response as server-sent events.
    """
    counted = bool((reply.body.get("stream_options") or {}).get("include_usage"))
    for delta in _deltas(reply):
        yield _chunk(reply, [_choice(delta, None)], counted)
    yield _chunk(reply, [_choice({}, _finish(reply))], counted)
    if counted:
        yield _chunk(reply, [], counted, usage(reply))
    yield "data: [DONE]\n\n"


def usage(reply: Reply) -> dict[str, Any]:
    """
    Tokens, in the words of completions.
    """
    used = reply.usage
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.total,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def legacy(reply: Reply) -> bool:
    """
    Whether the client speaks of functions, not of tools.
    """
    return "functions" in reply.body


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if reply.turn.text else None, "refusal": None}
    size = reply.turn.how.piece_characters
    for piece in pieces(reply.turn.text, size):
        yield {"content": piece}
    if reply.calls and legacy(reply):
        yield {"function_call": {"name": reply.calls[0].name, "arguments": ""}}
        for piece in pieces(reply.calls[0].arguments, size):
            yield {"function_call": {"arguments": piece}}
        return
    calls = [_call_deltas(reply, at, each) for at, each in enumerate(reply.calls)]
    if reply.turn.how.interleaved:
        ordered = [each for row in zip_longest(*calls) for each in row if each is not None]
    else:
        ordered = list(chain.from_iterable(calls))
    for delta in ordered:
        yield {"tool_calls": [delta]}


def _call_deltas(reply: Reply, at: int, call: MadeCall) -> list[dict[str, Any]]:
    how = reply.turn.how
    index: dict[str, Any] = {} if how.without_index else {"index": at}
    named = {"id": call.call_id, "type": "function"}
    first = index | named | {"function": {"name": call.name, "arguments": ""}}
    if how.repeat_ids:
        return [first] + [
            index | named | {"function": {"name": call.name, "arguments": piece}}
            for piece in pieces(call.arguments, how.piece_characters)
        ]
    return [first] + [
        index | {"function": {"arguments": piece}}
        for piece in pieces(call.arguments, how.piece_characters)
    ]


def _function(call: MadeCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def _finish(reply: Reply) -> str:
    if reply.turn.finish == "calls" and legacy(reply):
        return "function_call"
    return FINISHES[reply.turn.finish]


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chunk(
    reply: Reply,
    choices: list[dict[str, Any]],
    counted: bool,  # noqa: FBT001
    used: dict[str, Any] | None = None,
) -> str:
    chunk: dict[str, Any] = {
        "id": reply.reply_id,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": reply.view.model,
        "service_tier": "default",
        "system_fingerprint": "fp_local",
        "choices": choices,
    }
    if counted:
        chunk["usage"] = used
    return f"data: {json.dumps(chunk)}\n\n"
