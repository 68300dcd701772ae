"""
Chat completions that come whole, and what goes back.
"""

from __future__ import annotations

from typing import Any

import pytest
from answering import TOOLS, answered
from openai.types.chat import ChatCompletion
from openai_requests import CHAT_MESSAGES, complaints
from openai_streams import call, completion
from toolcell_client.formats import Problem, RawCall, Stop, Tokens, format_of

CHAT = format_of("openai")

EXAMPLE = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call("call_1", "get_weather", '{"city":"Oslo","unit":null}')],
}
SEVERAL = [call("call_1", "get_weather", '{"city":"Oslo"}'), call("call_2", "get_time", "")]


def test_a_call_and_its_result_are_as_in_the_reference() -> None:
    """
    The id goes back verbatim, and so does the message.
    """
    turn = CHAT.turn(completion(EXAMPLE, "tool_calls"))
    results = CHAT.results(answered(turn, '{"temp":3}'))

    arguments = '{"city":"Oslo","unit":null}'
    assert (RawCall(call_id="call_1", name="get_weather", arguments=arguments),) == turn.calls
    assert (EXAMPLE,) == turn.messages
    assert Stop.CALLS is turn.stop
    assert [{"role": "tool", "tool_call_id": "call_1", "content": '{"temp":3}'}] == results
    assert [] == complaints(CHAT_MESSAGES, [*turn.messages, *results])


def test_parallel_calls_are_answered_one_message_each() -> None:
    turn = CHAT.turn(completion({"content": "Both.", "tool_calls": SEVERAL}, "tool_calls"))
    results = CHAT.results(answered(turn, {"temp": 3}, "noon"))

    assert ["call_1", "call_2"] == [each["tool_call_id"] for each in results]
    assert ['{"temp": 3}', "noon"] == [each["content"] for each in results]
    assert "Both." == turn.text
    assert [] == complaints(CHAT_MESSAGES, [*turn.messages, *results])


def test_empty_arguments_are_none() -> None:
    """
    Some servers send no text where a tool takes no arguments.
    """
    turn = TOOLS.turn("openai", completion({"content": None, "tool_calls": SEVERAL[1:]}, "stop"))

    assert [({}, None)] == [(each.arguments, each.problem) for each in turn.calls]
    assert Stop.CALLS is turn.stop


@pytest.mark.parametrize("arguments", ["{not json", "[1]", '{"a":NaN}', '{"a":1,"a":2}', "7"])
def test_arguments_that_are_no_object_are_told_to_the_model(arguments: str) -> None:
    """
    Fixture 10: an error that a model can read, not an exception.
    """
    said = {"content": None, "tool_calls": [call("call_1", "get_weather", arguments)]}
    turn = TOOLS.turn("openai", completion(said, "tool_calls"))

    assert [Problem.MALFORMED] == [each.problem for each in turn.calls]
    assert "not a JSON object" in turn.calls[0].detail
    assert arguments in turn.calls[0].detail


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_calls_of_a_response_that_was_cut_off_are_truncated(reason: str) -> None:
    """
    Fixture 2, and the same where a filter cut: half of the arguments may be valid JSON.
    """
    turn = CHAT.turn(completion({"content": None, "tool_calls": SEVERAL}, reason))

    assert [Problem.TRUNCATED] * 2 == [each.problem for each in turn.calls]
    assert [] == complaints(CHAT_MESSAGES, turn.messages)


def test_a_refusal_is_what_the_model_said() -> None:
    turn = CHAT.turn(completion({"content": None, "refusal": "I will not."}))

    assert ("I will not.", Stop.REFUSED) == (turn.text, turn.stop)
    assert "I will not." == turn.messages[0]["refusal"]
    assert [] == complaints(CHAT_MESSAGES, turn.messages)


def test_content_may_be_a_list() -> None:
    """
    What is no text goes back as it came.
    """
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    content = [{"type": "text", "text": "a"}, thinking, {"type": "text", "text": "b"}]
    turn = CHAT.turn(completion({"content": content}))

    assert "ab" == turn.text
    assert content == turn.messages[0]["content"]


def test_a_custom_call_is_answered_with_what_to_do() -> None:
    """
    Free text is no object of arguments, even where it looks like one.
    """
    custom = {"id": "c1", "type": "custom", "custom": {"name": "get_time", "input": "{}"}}
    turn = TOOLS.turn("openai", completion({"content": None, "tool_calls": [custom]}, "tool_calls"))

    assert [Problem.MALFORMED] == [each.problem for each in turn.calls]
    assert "JSON object" in turn.calls[0].detail
    assert [custom] == turn.messages[0]["tool_calls"]
    assert [] == complaints(CHAT_MESSAGES, turn.messages)


def test_objects_of_the_sdk_are_read_like_the_json_that_they_are_of() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    said = {"content": None, "annotations": [], "tool_calls": SEVERAL}
    whole = completion(said, "tool_calls", usage=usage)

    assert CHAT.turn(whole) == CHAT.turn(ChatCompletion.model_validate(whole))
    assert CHAT.turn(whole) == CHAT.turn(ChatCompletion.construct(**whole))
    expected = Tokens(input=9, output=4, cached=3, cache_written=2, reasoning=1)
    assert (expected, "gpt-x") == (CHAT.turn(whole).tokens, CHAT.turn(whole).model)


@pytest.mark.parametrize(
    "said",
    [
        {"content": "x", "annotations": [], "refusal": None, "tool_calls": None},
        {"content": "x", "function_call": None, "audio": None, "tool_calls": []},
        {"content": None, "audio": {"id": "a", "data": "b64", "expires_at": 1, "transcript": "x"}},
        {"tool_calls": SEVERAL},
        {"content": None},
    ],
    ids=",".join,
)
def test_what_only_a_reply_may_have_does_not_go_back(said: dict[str, Any]) -> None:
    """
    A request with citations, an empty list of calls, or the sound itself would be refused.
    """
    turn = CHAT.turn(completion(said))

    assert [] == complaints(CHAT_MESSAGES, turn.messages)
    assert turn.text in ("x", "")


def test_fields_that_are_not_known_go_back_as_they_came() -> None:
    """
    Some servers refuse a history without their reasoning, or without what they sign calls with.
    """
    signed = {**SEVERAL[0], "extra_content": {"google": {"thought_signature": "b64"}}}
    said = {"content": "", "reasoning_content": "hm", "tool_calls": [signed]}
    turn = CHAT.turn(completion(said, "tool_calls"))

    assert ({"role": "assistant", **said},) == turn.messages


@pytest.mark.parametrize("junk", [{}, {"choices": []}, {"choices": [{"index": 0}]}, 7, "text"])
def test_what_is_no_completion_is_an_error(junk: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        CHAT.turn(junk)


def test_the_error_of_a_server_is_in_the_error() -> None:
    """
    Routers answer 200 with an error in the body.
    """
    with pytest.raises(ValueError, match="out of credits"):
        CHAT.turn({"error": {"message": "out of credits", "code": 402}})


def test_only_the_first_choice_is_read() -> None:
    second = {"index": 1, "message": {"role": "assistant", "content": "b"}, "finish_reason": "stop"}
    whole = completion({"content": "a"})
    whole["choices"].insert(0, second)

    assert "a" == CHAT.turn(whole).text


def test_calls_of_one_id_are_two() -> None:
    """
    Only deltas of one call are joined.
    """
    called = [call("call", "get_time", "{}"), call("call", "get_time", "{}")]
    turn = CHAT.turn(completion({"tool_calls": called}, "tool_calls"))

    assert ["{}", "{}"] == [each.arguments for each in turn.calls]


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_what_is_said_is_a_message(role: str) -> None:
    said = CHAT.said(role, "Hello")

    assert [] == complaints(CHAT_MESSAGES, [said])
    assert {"role": role, "content": "Hello"} == said
