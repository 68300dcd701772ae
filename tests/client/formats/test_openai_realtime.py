"""
What OpenAI Realtime is told, and how a whole response is read.
"""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.realtime import RealtimeFunctionTool, RealtimeResponse
from openai.types.realtime.realtime_session_create_request import RealtimeSessionCreateRequest
from pydantic import TypeAdapter
from realtime_events import CLIENT_EVENTS, done, item, message, strictly
from toolcell_client.formats import Answer, OfferedTool, Problem, Stop, Tokens, Toolset
from toolcell_client.formats.openai_realtime import FORMAT

WEATHER = OfferedTool(
    name="get_weather",
    description="The weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
TOOLSET = Toolset([WEATHER])


def session(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def test_definitions_are_flat_and_know_no_strict() -> None:
    [found] = TOOLSET.definitions("openai-realtime")

    assert {"type", "name", "description", "parameters"} == found.keys()
    strictly(TypeAdapter(RealtimeFunctionTool), found)
    strictly(CLIENT_EVENTS, session({"tools": [found]}))


@pytest.mark.parametrize(
    ("mode", "names", "parallel", "expected"),
    [
        ("auto", (), None, {"tool_choice": "auto"}),
        ("none", (), None, {"tool_choice": "none"}),
        ("required", (), True, {"tool_choice": "required", "parallel_tool_calls": True}),
        ("one", ("a",), None, {"tool_choice": {"type": "function", "name": "a"}}),
    ],
)
def test_a_choice_is_a_field_of_the_session(
    mode: str, names: tuple[str, ...], parallel: bool | None, expected: dict[str, Any]
) -> None:
    found = FORMAT.choice(mode, names, parallel=parallel)

    assert expected == found
    strictly(CLIENT_EVENTS, session(found))
    strictly(TypeAdapter(RealtimeSessionCreateRequest), {"type": "realtime", **found})


@pytest.mark.parametrize(
    ("mode", "names", "said"),
    [("auto", ("a",), "response.create"), ("one", (), "one tool"), ("some", (), "no mode")],
)
def test_what_it_cannot_be_told_is_said_with_a_remedy(
    mode: str, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        FORMAT.choice(mode, names, parallel=None)


def test_only_a_completed_item_is_a_call() -> None:
    """
    Whatever else the response says: `arguments.done` and `item.done` come for broken ones, too.
    """
    half = item("c2", "get_weather", '{"city": "Os', status="incomplete")
    told = done("r1", item("c1", "get_weather", {"city": "Oslo"}), half, status="cancelled")

    turn = TOOLSET.turn("openai-realtime", told)

    assert [None, Problem.CANCELLED] == [each.problem for each in turn.calls]
    assert ({"city": "Oslo"}, Stop.CANCELLED) == (turn.calls[0].arguments, turn.stop)


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [
        ("completed", None, Stop.END),
        ("incomplete", "max_output_tokens", Stop.LENGTH),
        ("incomplete", "content_filter", Stop.REFUSED),
        ("cancelled", "turn_detected", Stop.CANCELLED),
        ("failed", None, Stop.FAILED),
    ],
)
def test_a_status_says_why_the_model_stopped(status: str, reason: str | None, stop: Stop) -> None:
    details = {"type": status, **({"reason": reason} if reason else {})}
    told = done("r1", message("Hello."), status=status, status_details=details)

    turn = FORMAT.turn(told)

    assert ("Hello.", stop, ()) == (turn.text, turn.stop, turn.messages)
    assert (reason or "") == turn.reason


def test_what_failed_says_why() -> None:
    error = {"type": "server_error", "code": "overloaded", "message": "Come back later."}
    told = done("r1", status="failed", status_details={"type": "failed", "error": error})

    assert "Come back later." == TOOLSET.turn("openai-realtime", told).reason


@pytest.mark.parametrize("hostile", ["x", [1], 3, {"error": 3, "reason": [1]}])
def test_details_that_are_none_are_left_alone(hostile: Any) -> None:
    told = {"output": [], "status": "failed", "status_details": hostile, "usage": hostile}

    turn = FORMAT.turn(told)

    assert (Stop.FAILED, "", Tokens()) == (turn.stop, turn.reason, turn.tokens)


def test_a_response_of_the_sdk_is_read_like_a_mapping() -> None:
    told = done("r1", item("c1", "get_weather"))["response"]
    usage = {
        "input_tokens": 7,
        "output_tokens": 3,
        "input_token_details": {"cached_tokens": 5},
    }
    told["usage"] = usage

    turn = FORMAT.turn(RealtimeResponse.model_validate(told))

    assert FORMAT.turn(told) == turn
    assert Tokens(input=7, output=3, cached=5) == turn.tokens


@pytest.mark.parametrize("value", [{}, {"response": 1}, {"output": None}, 3, None])
def test_what_is_no_response_is_said(value: Any) -> None:
    with pytest.raises(ValueError, match="response"):
        FORMAT.turn(value)


def test_arguments_that_are_no_json_are_answered_and_not_raised() -> None:
    [call] = TOOLSET.turn("openai-realtime", done("r1", item("c1", "get_weather", "{no"))).calls

    [answered] = TOOLSET.results("openai-realtime", [Answer(call=call, value=call.detail)])

    assert Problem.MALFORMED == call.problem
    strictly(CLIENT_EVENTS, answered)


def test_a_result_is_an_item_whose_output_is_text() -> None:
    [call] = TOOLSET.turn("openai-realtime", done("r1", item("call_1", "get_weather"))).calls

    found = TOOLSET.results("openai-realtime", [Answer(call=call, value={"temp": 3})])

    wanted = {"type": "function_call_output", "call_id": "call_1", "output": '{"temp": 3}'}
    assert [{"type": "conversation.item.create", "item": wanted}] == found
    strictly(CLIENT_EVENTS, found[0])


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_what_was_said_is_an_item(role: str) -> None:
    strictly(CLIENT_EVENTS, FORMAT.said(role, "Hello."))
