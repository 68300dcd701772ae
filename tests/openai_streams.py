"""
Writes responses of OpenAI as it streams them.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chunking import Chunking


def completion(message: dict[str, Any], finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    """
    A whole chat completion with this message.
    """
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": finish_reason,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x",
        "choices": [choice],
        **more,
    }


def chunk(delta: Any = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """
    One chunk of a chat completion.
    """
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-x",
        "choices": [choice],
        **more,
    }


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chat_chunks(response: dict[str, Any], chunking: Chunking) -> list[dict[str, Any]]:
    """
    The stream of a whole chat completion, with the usage in a chunk of its own.
    """
    choice = response["choices"][0]
    message = choice["message"]
    streams: list[list[dict[str, Any]]] = [
        [{key: piece} for piece in chunking.cut(message[key])]
        for key in ("content", "refusal", "reasoning_content")
        if message.get(key) is not None
    ]
    calls = message.get("tool_calls") or []
    streams += [_call_deltas(at, each, chunking) for at, each in enumerate(calls)]
    if legacy := message.get("function_call"):
        pieces = chunking.cut(legacy["arguments"])
        first = {"function_call": {"name": legacy["name"], "arguments": ""}}
        streams.append([first, *({"function_call": {"arguments": each}} for each in pieces)])
    nulls = {key: None for key in ("content", "refusal") if key in message and message[key] is None}
    deltas = [{"role": "assistant", **nulls}, *chunking.interleave(streams)]
    chunks = [chunk(each, usage=None) for each in deltas]
    chunks.append(chunk(finish_reason=choice["finish_reason"], usage=None))
    return [*chunks, chunk(usage=response.get("usage")) | {"choices": []}]


def _call_deltas(index: int, whole: dict[str, Any], chunking: Chunking) -> list[dict[str, Any]]:
    kind = whole["type"]
    key = "input" if kind == "custom" else "arguments"
    called = whole[kind]
    deltas = [{**whole, "index": index, kind: {"name": called["name"], key: ""}}]
    deltas += [{"index": index, kind: {key: piece}} for piece in chunking.cut(called[key])]
    return [{"tool_calls": [each]} for each in deltas]


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """
    A whole response of the Responses API with this output.
    """
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-x",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def function_call(call_id: str, name: str, arguments: str, **more: Any) -> dict[str, Any]:
    made = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name}
    return {**made, "arguments": arguments, "status": "completed", **more}


def message(text: str, item_id: str = "msg_1", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    made = {"type": "message", "id": item_id, "role": "assistant", "status": "completed"}
    return {**made, "content": [part], **more}


def response_events(whole: dict[str, Any], chunking: Chunking) -> list[dict[str, Any]]:
    """
    The stream of a whole response; texts come one after the other, calls interleaved.
    """
    output = list(enumerate(whole["output"]))
    texts = [_item_events(at, each, chunking) for at, each in output if each["type"] == "message"]
    others = [_item_events(at, each, chunking) for at, each in output if each["type"] != "message"]
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    streams = [[each for events in texts for each in events], *others]
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *chunking.interleave(streams),
        {"type": f"response.{whole['status']}", "response": whole},
    ]
    return [{**deepcopy(each), "sequence_number": at} for at, each in enumerate(events)]


def _item_events(index: int, item: dict[str, Any], chunking: Chunking) -> list[dict[str, Any]]:
    begun = {**item, "status": "in_progress"} if "status" in item else dict(item)
    middle: list[dict[str, Any]] = []
    if item["type"] == "message":
        begun["content"] = []
        for at, part in enumerate(item["content"]):
            key = "refusal" if part["type"] == "refusal" else "text"
            kind = "refusal" if key == "refusal" else "output_text"
            pieces = chunking.cut(part[key])
            middle += [{"type": f"response.{kind}.delta", "delta": each} for each in pieces]
            middle += [{"type": f"response.{kind}.done", key: part[key], "content_index": at}]
    if key := {"function_call": "arguments", "custom_tool_call": "input"}.get(item["type"], ""):
        begun[key] = ""
        kind = "function_call_arguments" if key == "arguments" else "custom_tool_call_input"
        pieces = chunking.cut(item[key])
        middle = [{"type": f"response.{kind}.delta", "delta": each} for each in pieces]
        middle.append({"type": f"response.{kind}.done", key: item[key]})
    named = {"item_id": item.get("id"), "output_index": index}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *(each | named for each in middle),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]
