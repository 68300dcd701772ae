"""
Whole responses of an Anthropic model.
"""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import MessageParam
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.pieces import ARGUMENT_BYTES, CALLS
from toolcell_client.formats.too_much import TOO_LONG, TOO_MANY
from toolcell_client.formats.turns import Problem, RawCall, Stop, Tokens
from typed_dicts import misfits

THINKING = {"type": "thinking", "thinking": "Two questions.", "signature": "EqQBCg=="}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgB"}
TEXT = {"type": "text", "text": "I look both up."}
WEATHER = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Oslo"}}
TIME = {"type": "tool_use", "id": "toolu_02", "name": "get_time", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": "x"}}
WHOLE = {
    WEATHER["id"]: RawCall(call_id="toolu_01", name="get_weather", arguments={"city": "Oslo"}),
    TIME["id"]: RawCall(call_id="toolu_02", name="get_time", arguments={}),
}
STOPS = {
    "end_turn": Stop.END,
    "stop_sequence": Stop.END,
    "tool_use": Stop.CALLS,
    "max_tokens": Stop.LENGTH,
    "model_context_window_exceeded": Stop.LENGTH,
    "pause_turn": Stop.PAUSED,
    "refusal": Stop.REFUSED,
    "a word of tomorrow": Stop.UNKNOWN,
    None: Stop.UNKNOWN,
}


def message(*content: Any, stop_reason: str | None = "tool_use", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
        **more,
    }


def problems(*content: Any, stop_reason: str | None) -> list[Problem | None]:
    turn = FORMAT.turn(message(*content, stop_reason=stop_reason))
    return [each.problem for each in turn.calls]


def test_text_thinking_and_two_calls_are_read_and_go_back_verbatim() -> None:
    """
    The provider verifies thinking by its signature, and refuses a call without its result.
    """
    content = [THINKING, REDACTED, TEXT, WEATHER, TIME]
    turn = FORMAT.turn(message(*content))

    assert "I look both up." == turn.text
    assert tuple(WHOLE.values()) == turn.calls
    assert Stop.CALLS is turn.stop
    assert ({"role": "assistant", "content": content},) == turn.messages
    assert "claude-test" == turn.model
    assert [] == misfits(MessageParam, turn.messages[0])


def test_tools_that_run_at_the_provider_are_not_ours() -> None:
    turn = FORMAT.turn(message(SEARCH, stop_reason="pause_turn"))

    assert () == turn.calls
    assert [SEARCH] == turn.messages[0]["content"]


@pytest.mark.parametrize("reason", STOPS, ids=str)
def test_every_reason_to_stop_has_a_word(reason: str | None) -> None:
    assert STOPS[reason] is FORMAT.turn(message(TEXT, stop_reason=reason)).stop


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "stop_sequence"])
def test_of_a_cut_response_the_last_block_is_not_whole(reason: str) -> None:
    """
    Those before it are: a model writes one block after another.
    """
    assert [None, Problem.TRUNCATED] == problems(WEATHER, TIME, stop_reason=reason)
    assert [None, None] == problems(WEATHER, TIME, TEXT, stop_reason=reason)


def test_what_stopped_otherwise_is_as_whole_as_the_reason_says() -> None:
    assert [None, Problem.CANCELLED] == problems(WEATHER, TIME, stop_reason="refusal")
    assert [None, Problem.TRUNCATED] == problems(WEATHER, TIME, stop_reason=None)
    assert [None, Problem.TRUNCATED] == problems(WEATHER, TIME, stop_reason="a word of tomorrow")
    assert [None, None] == problems(WEATHER, TIME, stop_reason="end_turn")
    assert [None, None] == problems(WEATHER, TIME, stop_reason="pause_turn")


def test_input_counts_what_the_cache_has_read_and_written() -> None:
    """
    The provider reports `input_tokens` without the cached ones; a budget counts all.
    """
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    turn = FORMAT.turn(message(TEXT, usage=usage))

    assert Tokens(input=1110, output=7, cached=100, cache_written=1000, reasoning=3) == turn.tokens


def test_a_refusal_says_why_for_people() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "It looked like malware."}
    turn = FORMAT.turn(message(stop_reason="refusal", stop_details=details))

    assert ("", "It looked like malware.", ()) == (turn.text, turn.reason, turn.messages)


def test_what_the_provider_would_refuse_does_not_go_back() -> None:
    """
    It sends empty text itself, and a null `caller`, and takes neither.
    """
    blank, nobody = {"type": "text", "text": " \n"}, {**WEATHER, "caller": None}
    turn = FORMAT.turn(message(blank, nobody))

    assert [WEATHER] == turn.messages[0]["content"]
    assert () == FORMAT.turn(message(blank, stop_reason="end_turn")).messages


def test_who_called_goes_back_with_the_call() -> None:
    called = {**WEATHER, "caller": {"type": "direct"}, "toolset_name": "places"}
    turn = FORMAT.turn(message(called))

    assert [called] == turn.messages[0]["content"]
    assert {"toolset_name": "places"} == turn.calls[0].echo


def test_two_calls_with_one_id_are_one_call() -> None:
    """
    The provider refuses a history that has an id twice.
    """
    turn = FORMAT.turn(message(WEATHER, {**TIME, "id": WEATHER["id"]}))

    assert [None, Problem.REPEATED] == [each.problem for each in turn.calls]
    assert [WEATHER] == turn.messages[0]["content"]


def test_what_is_too_much_is_not_executed_but_answered() -> None:
    """
    Of the calls beyond the bound, the first for all; what is not answered does not go back.
    """
    many = [{**TIME, "id": f"toolu_{number}"} for number in range(CALLS + 9)]
    long = {**WEATHER, "input": {"city": "x" * ARGUMENT_BYTES}}
    turn, cut = FORMAT.turn(message(*many)), FORMAT.turn(message(long))

    assert CALLS + 1 == len(turn.calls) == len(turn.messages[0]["content"])
    assert [*[None] * CALLS, Problem.TRUNCATED] == [each.problem for each in turn.calls]
    assert TOO_MANY == turn.calls[-1].detail
    assert [(Problem.TRUNCATED, TOO_LONG)] == [(each.problem, each.detail) for each in cut.calls]
    assert {} == cut.messages[0]["content"][0]["input"]


@pytest.mark.parametrize("written", [{"n": float("nan")}, {"n": float("inf")}, [1], "x", 3])
def test_input_that_is_no_json_object_is_left_to_be_read(written: Any) -> None:
    """
    Reading it says to the model what is wrong; the history has an object in its place.
    """
    turn = FORMAT.turn(message({**WEATHER, "input": written}))

    assert isinstance(turn.calls[0].arguments, str)
    assert {} == turn.messages[0]["content"][0]["input"]


def test_what_is_no_response_is_refused_with_what_it_says() -> None:
    with pytest.raises(ValueError, match="has none: Overloaded"):
        FORMAT.turn(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        )
    with pytest.raises(ValueError, match="no response, message or event: str"):
        FORMAT.turn("hello")
