"""
Writes responses of OpenAI's Responses API, whole and as events.  Pure.

Source: `openai/types/responses/response.py` and the event types beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.reply import CREATED, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers.reply import Reply

Event = tuple[str, dict[str, Any]]

STATUSES = {
    "end": "completed",
    "calls": "completed",
    "length": "incomplete",
    "refused": "incomplete",
    "cancelled": "cancelled",
}
REASONS = {"length": "max_output_tokens", "refused": "content_filter"}


def output(reply: Reply) -> list[dict[str, Any]]:
    """
    The items of a response.
    """
    items: list[dict[str, Any]] = []
    if thought := reply.turn.how.thought:
        reasoning: dict[str, Any] = {"id": reply.new_id("rs_"), "type": "reasoning", "summary": []}
        if "reasoning.encrypted_content" in (reply.body.get("include") or ()):
            reasoning["encrypted_content"] = thought.encode().hex()
        items.append(reasoning)
    if reply.turn.text:
        part = {"type": "output_text", "text": reply.turn.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "id": reply.new_id("msg_"),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    items += [
        {
            "id": reply.new_id("fc_"),
            "type": "function_call",
            "status": "completed",
            "call_id": each.call_id,
            "name": each.name,
            "arguments": each.arguments,
        }
        for each in reply.calls
    ]
    if items and "status" in items[-1] and STATUSES[reply.turn.finish] != "completed":
        items[-1]["status"] = "incomplete"
    return items


def response(reply: Reply, items: list[dict[str, Any]], status: str = "") -> dict[str, Any]:
    """
    The response as an object; `status` while it is not at its end.
    """
    body, finish = reply.body, reply.turn.finish
    ended = not status
    reason = REASONS.get(finish) if ended else None
    return {
        "id": reply.reply_id,
        "object": "response",
        "created_at": CREATED,
        "status": status or STATUSES[finish],
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": reply.view.model,
        "output": items,
        "parallel_tool_calls": reply.view.parallel,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [{"strict": True} | each for each in body.get("tools") or ()],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(reply) if ended else None,
        "metadata": body.get("metadata") or {},
    }


def events(reply: Reply, items: list[dict[str, Any]]) -> Iterator[str]:
    """
    The response as server-sent events, numbered.
    """
    for number, (name, fields) in enumerate(_events(reply, items)):
        data = {"type": name, "sequence_number": number} | fields
        yield f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _events(reply: Reply, items: list[dict[str, Any]]) -> Iterator[Event]:
    begun = response(reply, [], "in_progress")
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for at, item in enumerate(items):
        begins = item | {"status": "in_progress"} if "status" in item else item
        if item["type"] == "message":
            begins |= {"content": []}
        elif item["type"] == "function_call":
            begins |= {"arguments": ""}
        yield "response.output_item.added", {"output_index": at, "item": begins}
        place = {"item_id": item["id"], "output_index": at}
        size = reply.turn.how.piece_characters
        if item["type"] == "message":
            yield from _of_text(item["content"][0], place, size)
        elif item["type"] == "function_call":
            yield from _of_call(item, place, size)
        yield "response.output_item.done", {"output_index": at, "item": item}
    status = STATUSES[reply.turn.finish]
    last = "response.completed" if status == "completed" else "response.incomplete"
    yield last, {"response": response(reply, items)}


def _of_text(part: dict[str, Any], place: dict[str, Any], size: int) -> Iterator[Event]:
    place = place | {"content_index": 0}
    yield "response.content_part.added", place | {"part": part | {"text": ""}}
    for piece in pieces(part["text"], size):
        yield "response.output_text.delta", place | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", place | {"text": part["text"], "logprobs": []}
    yield "response.content_part.done", place | {"part": part}


def _of_call(item: dict[str, Any], place: dict[str, Any], size: int) -> Iterator[Event]:
    for piece in pieces(item["arguments"], size):
        yield "response.function_call_arguments.delta", place | {"delta": piece}
    yield "response.function_call_arguments.done", place | {"arguments": item["arguments"]}


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }
