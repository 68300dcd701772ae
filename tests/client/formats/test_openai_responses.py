"""
Responses of OpenAI that come whole, and what goes back.
"""

from __future__ import annotations

from typing import Any

import pytest
from answering import TOOLS, answered
from openai.types.responses import ParsedResponseFunctionToolCall, Response
from openai_requests import RESPONSE_ITEMS, complaints
from openai_streams import function_call, message, response
from toolcell_client.formats import Problem, RawCall, Stop, Tokens, format_of
from toolcell_client.formats.pieces import CALLS

RESPONSES = format_of("openai-responses")

EXAMPLE = {
    "type": "function_call",
    "id": "fc_9",
    "call_id": "call_1",
    "name": "get_weather",
    "arguments": '{"city":"Oslo"}',
    "status": "completed",
    "namespace": None,
    "caller": {"type": "direct"},
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b64"}
CUSTOM = {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_3", "name": "get_time"}


def test_a_call_and_its_result_are_as_in_the_reference() -> None:
    """
    Fixture 3: the result names the `call_id`, which is not the `id`.
    """
    turn = RESPONSES.turn(response(REASONING, EXAMPLE))
    results = RESPONSES.results(answered(turn, '{"temp":3}'))
    kept = {key: value for key, value in EXAMPLE.items() if key != "namespace"}

    assert ["call_1"] == [each.call_id for each in turn.calls]
    assert (REASONING, kept) == turn.messages
    output = {"type": "function_call_output", "call_id": "call_1", "output": '{"temp":3}'}
    assert [{**output, "caller": {"type": "direct"}}] == results
    assert [] == complaints(RESPONSE_ITEMS, [*turn.messages, *results])


def test_who_called_from_where_is_said_back() -> None:
    caller = {"type": "program", "caller_id": "p1"}
    called = function_call("call_1", "get_time", "{}", namespace="clock", caller=caller)
    turn = RESPONSES.turn(response(called))
    results = RESPONSES.results(answered(turn, "noon"))

    assert ("clock", caller) == (results[0]["namespace"], results[0]["caller"])
    assert [] == complaints(RESPONSE_ITEMS, [*turn.messages, *results])


def test_a_custom_call_is_answered_by_its_twin() -> None:
    """
    With what to do: free text is no object of arguments.
    """
    custom = {**CUSTOM, "input": "print(1)", "caller": {"type": "direct"}}
    turn = TOOLS.turn("openai-responses", response(custom))
    results = RESPONSES.results(answered(RESPONSES.turn(response(custom)), turn.calls[0].detail))

    assert [Problem.MALFORMED] == [each.problem for each in turn.calls]
    assert ("custom_tool_call_output", "call_3") == (results[0]["type"], results[0]["call_id"])
    assert "JSON object" in results[0]["output"]
    assert [] == complaints(RESPONSE_ITEMS, [*turn.messages, *results])


def test_texts_of_all_messages_are_the_text() -> None:
    turn = RESPONSES.turn(response(message("a", "m1", phase="commentary"), message("b", "m2")))

    assert ("ab", Stop.END) == (turn.text, turn.stop)
    assert [] == complaints(RESPONSE_ITEMS, turn.messages)


def test_a_refusal_is_what_the_model_said() -> None:
    refusal = message("")
    refusal["content"] = [{"type": "refusal", "refusal": "I will not."}]
    turn = RESPONSES.turn(response(refusal))

    assert ("I will not.", Stop.REFUSED) == (turn.text, turn.stop)


@pytest.mark.parametrize("arguments", ["{not json", "[1]", '{"a":NaN}'])
def test_arguments_that_are_no_object_are_told_to_the_model(arguments: str) -> None:
    """
    Fixture 10.
    """
    said = response(function_call("call_1", "get_weather", arguments))
    turn = TOOLS.turn("openai-responses", said)

    assert [Problem.MALFORMED] == [each.problem for each in turn.calls]
    assert "not a JSON object" in turn.calls[0].detail


@pytest.mark.parametrize("status", ["incomplete", "in_progress"])
def test_a_call_that_is_not_completed_is_truncated(status: str) -> None:
    """
    The one before it is whole, and runs.
    """
    half = function_call("call_2", "get_time", '{"a', status=status)
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    whole = response(
        function_call("call_1", "get_time", "{}"), half, status="incomplete", **details
    )
    turn = RESPONSES.turn(whole)

    assert [None, Problem.TRUNCATED] == [each.problem for each in turn.calls]
    assert (Stop.LENGTH, "max_output_tokens") == (turn.stop, turn.reason)
    assert [] == complaints(RESPONSE_ITEMS, turn.messages)


@pytest.mark.parametrize(
    ("status", "more", "stop", "problem", "reason"),
    [
        ("cancelled", {}, Stop.CANCELLED, Problem.CANCELLED, ""),
        ("in_progress", {}, Stop.UNKNOWN, Problem.TRUNCATED, ""),
        ("queued", {}, Stop.UNKNOWN, Problem.TRUNCATED, ""),
        ("later", {}, Stop.UNKNOWN, Problem.TRUNCATED, ""),
        ("failed", {"error": {"message": "gone"}}, Stop.FAILED, Problem.TRUNCATED, "gone"),
        ("incomplete", {"incomplete_details": None}, Stop.LENGTH, None, ""),
        *(
            ("incomplete", {"incomplete_details": {"reason": reason}}, stop, problem, reason)
            for reason, stop, problem in [
                ("content_filter", Stop.REFUSED, None),
                ("steered", Stop.CANCELLED, Problem.CANCELLED),
                ("max_messages", Stop.LENGTH, None),
            ]
        ),
    ],
)
def test_a_response_that_ended_otherwise(
    status: str, more: Any, stop: Stop, problem: Problem | None, reason: str
) -> None:
    turn = RESPONSES.turn(
        response(function_call("call_1", "get_time", "{}"), status=status, **more)
    )

    assert (stop, reason) == (turn.stop, turn.reason)
    assert [problem] == [each.problem for each in turn.calls]


def test_a_response_without_statuses_is_whole() -> None:
    """
    Some servers leave them out.
    """
    called = function_call("call_1", "get_time", "{}")
    del called["status"]
    turn = RESPONSES.turn({"output": [called]})

    assert (RawCall(call_id="call_1", name="get_time", arguments="{}"),) == turn.calls


USAGE = {
    "input_tokens": 9,
    "output_tokens": 4,
    "total_tokens": 13,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 1},
}


def test_objects_of_the_sdk_are_read_like_the_json_that_they_are_of() -> None:
    whole = response(REASONING, message("a"), function_call("c", "get_time", "{}"), usage=USAGE)
    turn = RESPONSES.turn(whole)

    assert turn == RESPONSES.turn(Response.model_validate(whole))
    expected = Tokens(input=9, output=4, cached=3, cache_written=2, reasoning=1)
    assert (expected, "gpt-x") == (turn.tokens, turn.model)


def test_what_the_sdk_parsed_does_not_go_back() -> None:
    called = function_call("call_1", "get_time", "{}")
    parsed = ParsedResponseFunctionToolCall(**called, parsed_arguments={"a": 1})
    turn = RESPONSES.turn(response(parsed.model_dump()))

    assert [] == complaints(RESPONSE_ITEMS, turn.messages)


def test_who_made_an_item_does_not_go_back() -> None:
    kept = {"type": "compaction", "id": "cmp_1", "encrypted_content": "b64"}
    turn = RESPONSES.turn(response({**kept, "created_by": "agent"}))

    assert (kept,) == turn.messages
    assert [] == complaints(RESPONSE_ITEMS, turn.messages)


def test_calls_of_one_item_id_are_two() -> None:
    """
    Some servers give every item the same id.
    """
    called = [function_call(f"call_{at}", "get_time", "{}", id="fc") for at in range(2)]

    assert ["call_0", "call_1"] == [
        each.call_id for each in RESPONSES.turn(response(*called)).calls
    ]


def test_items_that_are_not_known_go_back_as_they_came() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": None}
    later = {"type": "later", "anything": [1, None]}

    assert (search, later) == RESPONSES.turn(response(search, later)).messages


def test_more_calls_than_there_may_be_are_answered_by_one() -> None:
    many = [function_call(f"call_{at}", "get_time", "{}") for at in range(CALLS * 3)]
    turn = RESPONSES.turn(response(*many))

    *whole, last = turn.calls
    assert CALLS == len([each for each in whole if each.problem is None])
    assert (Problem.TRUNCATED, True) == (last.problem, str(CALLS) in last.detail)
    assert CALLS + 1 == len(turn.messages)


@pytest.mark.parametrize("junk", [{}, {"output": None}, {"error": {"message": "no"}}, 7, "text"])
def test_what_is_no_response_is_an_error(junk: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        RESPONSES.turn(junk)


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_what_is_said_is_a_message(role: str) -> None:
    assert [] == complaints(RESPONSE_ITEMS, [RESPONSES.said(role, "Hello")])
