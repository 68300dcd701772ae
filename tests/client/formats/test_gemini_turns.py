"""
Whole responses of a Gemini model.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from toolcell_client.formats import Toolset
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.gemini_ending import BAD_CALLS, FAILING, REFUSING
from toolcell_client.formats.pieces import ARGUMENT_BYTES, CALLS
from toolcell_client.formats.too_much import TOO_LONG, TOO_MANY
from toolcell_client.formats.turns import Answer, Problem, RawCall, Stop, Tokens

THOUGHT = {"text": "Two questions.", "thought": True}
TEXT = {"text": "I look both up."}
OSLO = {
    "functionCall": {"name": "get_weather", "args": {"city": "Oslo"}},
    "thoughtSignature": "AAE=",
}
ROME = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}
WITH_ID = {"functionCall": {"id": "a1", "name": "get_weather", "args": {"city": "Oslo"}}}


def response(*parts: Any, finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    candidate = {**content, "finishReason": finish, "index": 0}
    return {"candidates": [candidate], "modelVersion": "gemini-test", "responseId": "r1", **more}


def problems(*parts: Any, finish: str | None) -> list[Problem | None]:
    return [each.problem for each in FORMAT.turn(response(*parts, finish=finish)).calls]


def test_two_calls_of_one_function_without_ids_are_told_apart() -> None:
    """
    The provider knows them by name and order; the ids are ours, and never go back.
    """
    turn = FORMAT.turn(response(THOUGHT, TEXT, OSLO, ROME))

    assert (
        RawCall(call_id="r1_0", name="get_weather", arguments={"city": "Oslo"}),
        RawCall(call_id="r1_1", name="get_weather", arguments={"city": "Rome"}),
    ) == turn.calls
    assert ("I look both up.", "gemini-test") == (turn.text, turn.model)
    assert ({"role": "model", "parts": [THOUGHT, TEXT, OSLO, ROME]},) == turn.messages
    types.Content.model_validate(turn.messages[0])


def test_an_id_of_the_provider_is_kept_and_echoed() -> None:
    (call,) = FORMAT.turn(response(WITH_ID)).calls

    assert ("a1", {"id": "a1"}) == (call.call_id, call.echo)


def test_without_any_id_calls_have_their_numbers() -> None:
    """
    Nothing that looks unique: the same call in the next turn is another call.
    """
    told = response(OSLO, ROME)
    del told["responseId"]

    assert ["call_0", "call_1"] == [each.call_id for each in FORMAT.turn(told).calls]


@pytest.mark.parametrize("reason", [each.value for each in types.FinishReason])
def test_every_reason_of_the_sdk_has_a_word(reason: str) -> None:
    """
    A reason that the SDK learns and this client does not is seen here.
    """
    known = {
        **dict.fromkeys(REFUSING, Stop.REFUSED),
        **dict.fromkeys(FAILING, Stop.FAILED),
        **dict.fromkeys(BAD_CALLS, Stop.CALLS),
        "STOP": Stop.END,
        "MAX_TOKENS": Stop.LENGTH,
        "CONTINUATION": Stop.PAUSED,
        "FINISH_REASON_UNSPECIFIED": Stop.UNKNOWN,
    }

    assert known[reason] is FORMAT.turn(response(TEXT, finish=reason)).stop


def test_of_a_cut_response_the_last_part_is_not_whole() -> None:
    assert [None, Problem.TRUNCATED] == problems(OSLO, ROME, finish="MAX_TOKENS")
    assert [None, Problem.CANCELLED] == problems(OSLO, ROME, finish="SAFETY")
    assert [None, Problem.TRUNCATED] == problems(OSLO, ROME, finish=None)
    assert [None, None] == problems(OSLO, ROME, TEXT, finish="MAX_TOKENS")


@pytest.mark.parametrize(
    ("finish", "problem"),
    [
        ("MALFORMED_FUNCTION_CALL", Problem.MALFORMED),
        ("UNEXPECTED_TOOL_CALL", Problem.UNKNOWN_TOOL),
    ],
)
def test_a_call_that_the_provider_does_not_show_is_answered_in_words(
    finish: str, problem: Problem
) -> None:
    """
    Nobody can answer a part that is not there, and a model that hears nothing repeats itself.
    """
    told = response(finish=finish)
    told["candidates"][0]["finishMessage"] = "Malformed function call: get_weather(city=."
    turn = Toolset([]).turn("gemini", told)
    (call,) = turn.calls
    (message,) = FORMAT.results([Answer(call=call, value=call.detail, failed=True)])

    assert (problem, Stop.CALLS, ()) == (call.problem, turn.stop, turn.messages)
    assert "Malformed function call: get_weather(city=." in message["parts"][0]["text"]
    assert ["text"] == [*message["parts"][0]]
    types.Content.model_validate(message)


def test_a_blocked_prompt_is_a_refusal() -> None:
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "No."}
    turn = FORMAT.turn({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}})

    assert (Stop.REFUSED, "No.", (), ()) == (turn.stop, turn.reason, turn.calls, turn.messages)
    assert "SAFETY" == FORMAT.turn({"promptFeedback": {"blockReason": "SAFETY"}}).reason


def test_tokens_of_thoughts_and_of_the_providers_tools_are_counted() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 5,
        "toolUsePromptTokenCount": 7,
        "totalTokenCount": 122,
    }
    tokens = FORMAT.turn(response(TEXT, usageMetadata=usage)).tokens

    assert Tokens(input=107, output=15, cached=60, reasoning=5) == tokens
    assert usage["totalTokenCount"] == tokens.input + tokens.output


def test_parts_that_are_not_ours_go_back_and_empty_text_does_not() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    server = {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"a_b": 1}}}
    signed = {"text": "", "thoughtSignature": "AAE="}
    turn = FORMAT.turn(response(code, server, {"text": ""}, signed))

    assert [code, server, signed] == turn.messages[0]["parts"]
    assert () == turn.calls


def test_what_is_too_much_is_not_executed_but_answered() -> None:
    """
    Of the calls beyond the bound, the first for all; what is not answered does not go back.
    """
    long = {"functionCall": {"name": "get_weather", "args": {"city": "x" * ARGUMENT_BYTES}}}
    many, cut = FORMAT.turn(response(*[OSLO] * (CALLS + 9))), FORMAT.turn(response(long))

    assert CALLS + 1 == len(many.calls) == len(many.messages[0]["parts"])
    assert [*[None] * CALLS, Problem.TRUNCATED] == [each.problem for each in many.calls]
    assert TOO_MANY == many.calls[-1].detail
    assert [(Problem.TRUNCATED, TOO_LONG)] == [(each.problem, each.detail) for each in cut.calls]


@pytest.mark.parametrize("written", [{"n": float("nan")}, [1], "x", 3])
def test_arguments_that_are_no_json_object_are_left_to_be_read(written: Any) -> None:
    turn = FORMAT.turn(response({"functionCall": {"name": "get_weather", "args": written}}))

    assert isinstance(turn.calls[0].arguments, str)


def test_what_is_no_response_is_refused_with_what_it_says() -> None:
    with pytest.raises(ValueError, match="has none: Quota exceeded"):
        FORMAT.turn({"error": {"code": 429, "message": "Quota exceeded"}})
    with pytest.raises(ValueError, match="no response, message or event: str"):
        FORMAT.turn("hello")
