"""
Numbers and depths that a model or a gateway sends, and that Python, or an SDK, cannot handle.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.formats.turns import Answer
from turning import chat

HUGE = 10**400  # an int that no float holds
UNION = {
    "type": "object",
    "properties": {
        "by": {
            "anyOf": [
                {"type": "object", "properties": {"step": {"type": "number", "multipleOf": 0.01}}},
                {"type": "array", "items": {"type": "string"}},
            ]
        }
    },
}
TOOLS = Toolset([OfferedTool(name="move", parameters=UNION)])
DEEP = 300


def test_a_number_that_no_float_holds_is_read_not_raised() -> None:
    (call,) = TOOLS.turn("openai", chat(("a", "move", {"by": {"step": HUGE}}))).calls
    assert (call.problem, call.arguments) == (None, {"by": {"step": HUGE}})


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "gemini"])
def test_tokens_stay_numbers_that_can_be_written(provider: str) -> None:
    taken = 10**4299  # as many digits as Python writes
    usage = dict.fromkeys(("prompt_tokens", "completion_tokens", "input_tokens"), taken)
    usage["output_tokens"] = usage["promptTokenCount"] = usage["candidatesTokenCount"] = taken
    response: dict[str, Any] = {
        "usage": usage,
        "usageMetadata": usage,
        **chat(),
        "type": "message",
        "role": "assistant",
        "content": [],
        "output": [],
        "candidates": [],
    }
    tokens = TOOLS.turn(provider, response).tokens
    assert tokens.input > 0
    assert float((tokens + tokens).output) > 0
    assert json.dumps((tokens + tokens).input)


def test_what_goes_back_can_be_sent_by_the_sdk() -> None:
    """
    A call that is too deep is refused; it must not stand in the history either, where it would make
    every later request fail.
    """
    arguments: dict[str, Any] = {}
    for _ in range(DEEP):
        arguments = {"a": arguments}
    part = {"functionCall": {"name": "move", "args": arguments}}
    response = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    turn = TOOLS.turn("gemini", response)
    assert "deeper than" in turn.calls[0].detail
    told = TOOLS.results("gemini", [Answer(call=turn.calls[0], value="no", failed=True)])
    for each in (*turn.messages, *told):
        types.Content.model_validate(each).model_dump(mode="json", exclude_none=True)
