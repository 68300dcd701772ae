"""
Whole responses of models that call, in the words of every provider.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openai_streams import call, completion
from realtime_events import done, item

if TYPE_CHECKING:
    from collections.abc import Callable

# The id of a call, its name, and its arguments: an object, or as they were written.
Call = tuple[str, str, Any]


def response_of(provider: str, *calls: Call, cut: bool = False) -> dict[str, Any]:
    """
    A response that calls; `cut`: it ended before its last call did.
    """
    return RESPONSES[provider](calls, cut)


def _written(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _chat(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    sent = [call(call_id, name, _written(arguments)) for call_id, name, arguments in calls]
    return completion({"content": None, "tool_calls": sent}, "length" if cut else "tool_calls")


def _functions(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    """
    One call at most: the first.
    """
    _, name, arguments = calls[0]
    called = {"name": name, "arguments": _written(arguments)}
    message = {"content": None, "function_call": called}
    return completion(message, "length" if cut else "function_call")


def _responses(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    status = "incomplete" if cut else "completed"
    output = [
        {**_item(*each), "id": f"fc_{place}", "status": status} for place, each in enumerate(calls)
    ]
    return {"id": "resp_1", "object": "response", "status": status, "output": output}


def _item(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    written = _written(arguments)
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": written}


def _realtime(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    status = "incomplete" if cut else "completed"
    items = [item(*each, status=status, id=f"item_{place}") for place, each in enumerate(calls)]
    return done("r1", *items, status=status)


def _anthropic(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    content = [
        {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
        for call_id, name, arguments in calls
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": "max_tokens" if cut else "tool_use",
    }


def _gemini(calls: tuple[Call, ...], cut: bool) -> dict[str, Any]:
    parts = [
        {"functionCall": {"id": call_id, "name": name, "args": arguments}}
        for call_id, name, arguments in calls
    ]
    content = {"role": "model", "parts": parts}
    return {"candidates": [{"content": content, "finishReason": "MAX_TOKENS" if cut else "STOP"}]}


RESPONSES: dict[str, Callable[[tuple[Call, ...], bool], dict[str, Any]]] = {
    "openai": _chat,
    "openai-functions": _functions,
    "openai-responses": _responses,
    "openai-realtime": _realtime,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
