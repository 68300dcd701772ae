"""
What a Gemini model is answered.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.turns import Answer, RawCall, ToolCall


def answer(value: Any, *, failed: bool = False, **echo: Any) -> Answer:
    raw = RawCall(call_id=echo.get("id", "r1_0"), name="get_weather", arguments={}, echo=echo)
    return Answer(call=ToolCall(raw=raw, tool="weather"), value=value, failed=failed)


def responses(*answers: Answer) -> list[dict[str, Any]]:
    (message,) = FORMAT.results(answers)
    types.Content.model_validate(message)
    assert "user" == message["role"]
    return [each["functionResponse"] for each in message["parts"]]


def test_an_id_of_the_provider_goes_back_with_the_result() -> None:
    """
    The example of the reference.
    """
    assert [{"id": "a1", "name": "get_weather", "response": {"output": {"temp": 3}}}] == responses(
        answer({"temp": 3}, id="a1")
    )


def test_calls_without_ids_are_answered_in_one_turn_in_their_order() -> None:
    """
    As many as there were calls, or the provider answers 400; no id that it never gave.
    """
    assert [
        {"name": "get_weather", "response": {"output": 3}},
        {"name": "get_weather", "response": {"output": [1, 2]}},
        {"name": "get_weather", "response": {"error": "timeout after 5s"}},
    ] == responses(answer(3), answer([1, 2]), answer("timeout after 5s", failed=True))


@pytest.mark.parametrize("value", [{"output": 1}, {"error": "no"}, None, "x", [], {}])
def test_a_result_is_never_taken_for_what_it_is_not(value: Any) -> None:
    """
    The provider reads `output` and `error` of a response; a result may have such keys itself.
    """
    assert {"output": value} == responses(answer(value))[0]["response"]


def test_nothing_to_answer_is_no_turn() -> None:
    assert [] == FORMAT.results([])


def test_what_was_said_is_a_turn() -> None:
    assert {"role": "user", "parts": [{"text": "Is it cold?"}]} == FORMAT.said(
        "user", "Is it cold?"
    )
    assert "model" == FORMAT.said("assistant", "Yes.")["role"]
    types.Content.model_validate(FORMAT.said("assistant", "Yes."))
