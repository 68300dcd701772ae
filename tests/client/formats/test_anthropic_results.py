"""
What an Anthropic model is answered.
"""

from __future__ import annotations

from typing import Any

from anthropic.types import MessageParam
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.turns import Answer, RawCall, ToolCall
from typed_dicts import misfits


def answer(call_id: str, value: Any, *, failed: bool = False, **echo: Any) -> Answer:
    raw = RawCall(call_id=call_id, name="get_weather", arguments={}, echo=echo)
    return Answer(call=ToolCall(raw=raw, tool="get_weather"), value=value, failed=failed)


def content(*answers: Answer) -> list[dict[str, Any]]:
    (message,) = FORMAT.results(answers)
    assert [] == misfits(MessageParam, message)
    assert "user" == message["role"]
    results: list[dict[str, Any]] = message["content"]
    return results


def test_all_results_are_one_message_in_the_order_of_the_calls() -> None:
    """
    The provider answers 400 to a history in which one `tool_use` has no result right after it.
    """
    assert [
        {"type": "tool_result", "tool_use_id": "toolu_01", "content": "3 C"},
        {
            "type": "tool_result",
            "tool_use_id": "toolu_02",
            "content": "timeout after 5s",
            "is_error": True,
        },
    ] == content(answer("toolu_01", "3 C"), answer("toolu_02", "timeout after 5s", failed=True))


def test_a_value_is_told_as_json() -> None:
    assert (
        '{"temp": 3, "sky": "blå"}' == content(answer("a", {"temp": 3, "sky": "blå"}))[0]["content"]
    )


def test_blank_text_is_left_out_but_an_error_has_a_word() -> None:
    """
    The provider refuses blank text, and errors without content.
    """
    assert [
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "tool_result", "tool_use_id": "b", "content": "failed", "is_error": True},
    ] == content(answer("a", ""), answer("b", " ", failed=True))


def test_the_toolset_of_a_call_is_named_with_its_result() -> None:
    assert "places" == content(answer("a", "3 C", toolset_name="places"))[0]["toolset_name"]


def test_one_id_is_answered_once() -> None:
    """
    A call whose id was there already did not go back either.
    """
    assert ["3 C"] == [each["content"] for each in content(answer("a", "3 C"), answer("a", "no"))]


def test_nothing_to_answer_is_no_message() -> None:
    assert [] == FORMAT.results([])


def test_what_was_said_is_a_message() -> None:
    said = FORMAT.said("user", "Is it cold?")

    assert {"role": "user", "content": "Is it cold?"} == said
    assert [] == misfits(MessageParam, said)
