"""
Responses of OpenAI that are streamed.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from chunking import Chunking, read
from openai.types.responses import ResponseStreamEvent
from openai_requests import RESPONSE_ITEMS, complaints
from openai_streams import function_call, message, response, response_events
from pydantic import TypeAdapter
from toolcell_client.formats import Problem, RawCall, Stop, format_of
from toolcell_client.formats.openai_responses_items import ITEMS
from toolcell_client.formats.pieces import ARGUMENT_BYTES, TEXT_BYTES

RESPONSES = format_of("openai-responses")

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b64"}
OSLO = function_call("call_1", "get_weather", '{"city":"Oslo"}')
NOON = function_call("call_2", "get_time", "{}")
WHOLE = response(REASONING, message("Both."), OSLO, NOON)
EVENTS = response_events(WHOLE, Chunking((3, 0)))
CALLS = tuple(
    RawCall(call_id=each["call_id"], name=each["name"], arguments=each["arguments"])
    for each in (OSLO, NOON)
)


def events(**changed: Any) -> list[dict[str, Any]]:
    """
    The events with these fields, wherever they are.
    """
    made = deepcopy(EVENTS)
    for event in made:
        event |= {key: value for key, value in changed.items() if key in event}
    return made


def of(kind: str) -> list[dict[str, Any]]:
    return [each for each in EVENTS if each["type"].removeprefix("response.") == kind]


def by_id(calls: tuple[RawCall, ...]) -> tuple[RawCall, ...]:
    return tuple(sorted(calls, key=lambda each: each.call_id))


def test_the_done_item_brings_a_call() -> None:
    """
    The event with all arguments names neither the call nor the tool.
    """
    accumulator = RESPONSES.accumulator()
    by_type = {
        each["type"]: accumulator.add(each)
        for each in response_events(response(OSLO), Chunking((4,)))
    }

    assert [*CALLS[:1]] == by_type.pop("response.output_item.done")
    assert {()} == {tuple(each) for each in by_type.values()}


def test_reasoning_goes_back_with_the_calls() -> None:
    streamed = read(RESPONSES, EVENTS)

    assert WHOLE["output"] == list(streamed.turn.messages)
    assert CALLS == by_id(streamed.calls) == streamed.turn.calls
    assert ("Both.", "Both.") == (streamed.text, streamed.turn.text)
    assert [] == complaints(RESPONSE_ITEMS, streamed.turn.messages)


STREAMS = {
    "another item id in every event": [
        each | ({"item_id": f"odd_{at}"} if "item_id" in each else {})
        for at, each in enumerate(EVENTS)
    ],
    "the output index 0 for all": events(output_index=0),
    "no output index": [
        {key: value for key, value in each.items() if key != "output_index"} for each in EVENTS
    ],
    "every event twice": [
        each for event in EVENTS for each in (event, event) if "delta" not in event
    ],
    "no deltas": [each for each in EVENTS if "delta" not in each],
    "no begun items": [each for each in EVENTS if each not in of("output_item.added")],
    "no done items": [each for each in EVENTS if each not in of("output_item.done")],
    "only the end": EVENTS[-1:],
    "no output in the end": [*EVENTS[:-1], EVENTS[-1] | {"response": {"status": "completed"}}],
    "no end": EVENTS[:-1],
}


@pytest.mark.parametrize("sentence", STREAMS)
def test_calls_and_text_are_put_together_from(sentence: str) -> None:
    """
    What servers that speak the same format leave out or do otherwise.
    """
    streamed = read(RESPONSES, STREAMS[sentence])

    assert CALLS == by_id(streamed.calls) == by_id(streamed.turn.calls)
    assert "Both." == streamed.text == streamed.turn.text
    assert sorted(WHOLE["output"], key=str) == sorted(streamed.turn.messages, key=str)


def test_items_without_ids_and_of_one_index_are_told_apart() -> None:
    done = {"type": "response.output_item.done", "output_index": 0}
    items = [{**message(each), "id": None} for each in "ab"]

    assert "ab" == read(RESPONSES, [{**done, "item": each} for each in items]).turn.text


def test_the_done_item_decides() -> None:
    """
    What runs is what was brought; what the end says of it later changes nothing.
    """
    lying = response({**OSLO, "arguments": '{"city":"Rome"}'}, status="failed")
    stream = response_events(response(OSLO), Chunking())
    stream[-1] = {"type": "response.failed", "response": lying}
    stream = [each | ({"delta": "?"} if "delta" in each else {}) for each in stream]
    streamed = read(RESPONSES, stream)

    assert CALLS[:1] == streamed.calls == streamed.turn.calls
    assert Stop.FAILED is streamed.turn.stop


def test_a_call_that_breaks_off_is_truncated() -> None:
    """
    Its history has it all the same, so that it can be answered.
    """
    whole = response(message("a"), OSLO)
    stream = response_events(whole, Chunking((4,)))
    cut = next(at for at, each in enumerate(stream) if "arguments.done" in each["type"])
    streamed = read(RESPONSES, stream[:cut])

    assert () == streamed.calls
    call = streamed.turn.calls[0]
    assert (Problem.TRUNCATED, OSLO["arguments"]) == (call.problem, call.arguments)
    assert "incomplete" == streamed.turn.messages[1]["status"]
    assert [] == complaints(RESPONSE_ITEMS, streamed.turn.messages)


def test_a_call_without_a_status_that_breaks_off_is_truncated() -> None:
    bare = {key: value for key, value in OSLO.items() if key != "status"}
    turn = read(RESPONSES, response_events(response(bare), Chunking((4,)))[:-2]).turn

    assert [(Problem.TRUNCATED, OSLO["arguments"])] == [
        (each.problem, each.arguments) for each in turn.calls
    ]


def test_a_message_that_breaks_off_goes_back_as_far_as_it_came() -> None:
    stream = response_events(response(message("a b c")), Chunking((2,)))
    streamed = read(RESPONSES, [each for each in stream if "done" not in each["type"]][:-2])

    assert ("a b ", "incomplete") == (streamed.turn.text, streamed.turn.messages[0]["status"])
    assert [] == complaints(RESPONSE_ITEMS, streamed.turn.messages)


def test_an_incomplete_response_says_why() -> None:
    half = function_call("call_1", "get_time", '{"a', status="incomplete")
    details = {"reason": "max_output_tokens"}
    whole = response(half, status="incomplete", incomplete_details=details)
    streamed = read(RESPONSES, response_events(whole, Chunking()))

    assert () == streamed.calls
    assert RESPONSES.turn(whole) == streamed.turn
    assert (Stop.LENGTH, "max_output_tokens") == (streamed.turn.stop, streamed.turn.reason)


def test_an_error_event_fails_the_response() -> None:
    error = {"type": "error", "code": "server_error", "message": "gone", "param": None}
    streamed = read(RESPONSES, [*EVENTS[:3], error])

    assert (Stop.FAILED, "gone") == (streamed.turn.stop, streamed.turn.reason)


def test_a_custom_call_is_brought_with_its_problem() -> None:
    custom = {"type": "custom_tool_call", "id": "c", "call_id": "c2", "name": "b", "input": "free"}
    streamed = read(RESPONSES, response_events(response(custom), Chunking((1,))))

    assert [(Problem.MALFORMED, "free")] == [
        (each.problem, each.arguments) for each in streamed.calls
    ]
    assert (custom,) == streamed.turn.messages


def test_events_of_the_sdk_are_read_like_the_json_that_they_are_of() -> None:
    types: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    stream = response_events(response(OSLO, NOON), Chunking((4,)))
    objects = [types.validate_python(each) for each in stream]

    assert read(RESPONSES, stream) == read(RESPONSES, objects)


@pytest.mark.parametrize("junk", [None, 7, "text", ["list"]])
def test_what_is_no_event_is_an_error(junk: Any) -> None:
    with pytest.raises(ValueError, match="no response, message or event"):
        RESPONSES.accumulator().add(junk)


def test_what_never_ends_is_cut() -> None:
    """
    Text, arguments and items, each by itself.
    """
    piece = "x" * 2**20
    begun = {"type": "response.output_item.added", "output_index": 0}
    text = {"type": "response.output_text.delta", "output_index": 1, "delta": piece}
    arguments = {"type": "response.function_call_arguments.delta", "output_index": 0}
    items = [
        {"type": "response.output_item.done", "item": {"type": "later", "id": str(at)}}
        for at in range(2 * ITEMS)
    ]
    endless = [{**arguments, "delta": piece}, text] * 9
    turn = read(RESPONSES, [{**begun, "item": {**OSLO, "arguments": ""}}, *endless, *items]).turn

    assert TEXT_BYTES == len(turn.text)
    assert ARGUMENT_BYTES == len(turn.calls[0].arguments)
    assert ITEMS == len(turn.messages)
    assert (Stop.LENGTH, Problem.TRUNCATED) == (turn.stop, turn.calls[0].problem)
