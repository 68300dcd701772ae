"""
A model that says what a test has written, in the words of OpenAI's chat completions, and a judge of
the histories that are sent to it.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ScriptedModel:
    """
    A callable for `Conversation`; `requests` are those that came.
    """

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.requests: list[dict[str, Any]] = []

    def __call__(self, request: dict[str, Any]) -> Any:
        self.requests.append(copy.deepcopy(request))
        assert complaints(request["messages"]) == []
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step(request) if callable(step) else step


def says(text: str, *, stop: str = "stop", tokens: tuple[int, int] = (10, 5)) -> dict[str, Any]:
    """
    A response of text.
    """
    return response({"role": "assistant", "content": text}, stop, tokens)


def calls(
    *made: tuple[str, str, Any], stop: str = "tool_calls", tokens: tuple[int, int] = (10, 5)
) -> dict[str, Any]:
    """
    A response of calls, each an id, a name and arguments.
    """
    return response(calling(made), stop, tokens)


def calling(made: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """
    The message of a model that calls; arguments are an object, or text as the model wrote it.
    """
    listed = [
        {
            "id": call_id,
            "type": "function",
            "function": {
                "name": name,
                "arguments": written if isinstance(written, str) else json.dumps(written),
            },
        }
        for call_id, name, written in made
    ]
    return {"role": "assistant", "content": None, "tool_calls": listed}


def response(message: dict[str, Any], stop: str, tokens: tuple[int, int]) -> dict[str, Any]:
    """
    A whole completion.
    """
    return {
        "model": "m-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": stop}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }


def complaints(history: Sequence[dict[str, Any]]) -> list[str]:
    """
    Why the provider would refuse this history; nothing if it would take it.
    """
    found: list[str] = []
    waiting: list[str] = []
    for message in history:
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] in waiting:
                waiting.remove(message["tool_call_id"])
            else:
                found.append(f"nobody waits for {message['tool_call_id']}")
            continue
        if waiting:
            found.append(f"{waiting} have no answer before {role} speaks")
        waiting = [each["id"] for each in message.get("tool_calls") or ()]
        if not message.get("content") and not waiting:
            found.append(f"{role} says nothing")
    return [*found, *(f"{each} has no answer" for each in waiting)]
