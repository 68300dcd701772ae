"""
However a response is cut into events, and its items are interleaved, its calls are the same.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from realtime_events import calls, created, done, event, item, item_done, message
from toolcell_client.formats import Problem, RawCall, Stop, Tokens
from toolcell_client.formats.openai_realtime import FORMAT
from toolcell_client.formats.openai_realtime_stream import MOST_CHARACTERS

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
ARGUMENTS = st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=3).map(json.dumps)
KINDS = (
    *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    *("response.output_item.added", "response.output_item.done"),
    *("response.output_text.delta", "response.output_audio_transcript.delta"),
)
ITEMS = st.lists(
    st.tuples(ARGUMENTS, st.sampled_from(["completed", "incomplete"])), min_size=1, max_size=4
)


def pieces(data: st.DataObject, text: str) -> list[str]:
    """
    The text in pieces, empty ones included.
    """
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def of_item(data: st.DataObject, index: int, one: dict[str, Any]) -> list[dict[str, Any]]:
    """
    The events of one item, in their order.
    """
    place = {"response_id": "r1", "output_index": index}
    ids = {**place, "item_id": one["id"], "call_id": one["call_id"]}
    began = {**one, "arguments": "", "status": "in_progress"}
    deltas = [
        event("response.function_call_arguments.delta", **ids, delta=each)
        for each in pieces(data, one["arguments"])
    ]
    whole = {"arguments": one["arguments"], "name": one["name"]}
    return [
        event("response.output_item.added", **place, item=began),
        *deltas,
        event("response.function_call_arguments.done", **ids, **whole),
        item_done("r1", one, index),
    ]


def interleaved(data: st.DataObject, lanes: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """
    The events of all items, each item's in its own order.
    """
    merged = []
    lanes = [list(each) for each in lanes]
    while any(lanes):
        lane = data.draw(st.sampled_from([each for each in lanes if each]))
        merged.append(lane.pop(0))
    return merged


@few
@given(ITEMS, st.sampled_from(["completed", "cancelled", "incomplete"]), st.data())
def test_any_chunking_and_interleaving_gives_the_same_calls(
    written: list[tuple[str, str]], status: str, data: st.DataObject
) -> None:
    items = [
        item(f"c{index}", "look", arguments, status=each)
        for index, (arguments, each) in enumerate(written)
    ]
    lanes = [of_item(data, index, each) for index, each in enumerate(items)]
    end = done("r1", *items, status=status)
    accumulator = FORMAT.accumulator()
    other = calls("r2", item("elsewhere"))

    given_out: list[Any] = []
    for each in [created("r1"), *interleaved(data, lanes), *other, end, *other]:
        given_out += accumulator.add(each)

    assert FORMAT.turn(end) == accumulator.turn()
    whole = {each.call_id: each.arguments for each in accumulator.turn().calls if not each.problem}
    assert whole == {each.call_id: each.arguments for each in given_out}
    assert len(whole) == len(given_out)


@few
@given(ITEMS, st.data())
def test_a_response_that_never_ends_gives_the_calls_that_were_whole(
    written: list[tuple[str, str]], data: st.DataObject
) -> None:
    """
    The connection may break anywhere.
    """
    items = [item(f"c{index}", "look", each) for index, (each, _) in enumerate(written)]
    events = interleaved(data, [of_item(data, index, each) for index, each in enumerate(items)])
    seen = events[: data.draw(st.integers(0, len(events)))]
    accumulator = FORMAT.accumulator()

    given_out = [found for each in seen for found in accumulator.add(each)]

    finished = [each["item"] for each in seen if each["type"] == "response.output_item.done"]
    assert [(each["call_id"], each["arguments"]) for each in finished] == [
        (each.call_id, each.arguments) for each in given_out if isinstance(each, RawCall)
    ]
    problems = {each.problem for each in accumulator.turn().calls}
    assert problems <= {None, Problem.TRUNCATED}


def test_arguments_that_are_done_are_no_call_while_the_item_is_incomplete() -> None:
    """
    Fixture 4: an interrupted response says `arguments.done`, then an incomplete item.
    """
    accumulator = FORMAT.accumulator()
    half = item("c1", "look", '{"a": 1}', status="incomplete")
    ids = {"response_id": "r1", "item_id": "item_c1", "output_index": 0, "call_id": "c1"}
    told = [
        event("response.function_call_arguments.done", **ids, name="look", arguments='{"a": 1}'),
        item_done("r1", half),
        done("r1", half, status="cancelled"),
    ]

    assert [] == [found for each in told for found in accumulator.add(each)]

    [call] = accumulator.turn().calls
    assert (Problem.CANCELLED, Stop.CANCELLED) == (call.problem, accumulator.turn().stop)


def test_a_call_that_only_the_end_tells_of_is_given_out_then() -> None:
    accumulator = FORMAT.accumulator()

    [call] = accumulator.add(done("r1", item("c1", "look")))

    assert isinstance(call, RawCall)
    assert "c1" == call.call_id


def test_pieces_of_text_and_of_transcripts_are_given_out_as_they_come() -> None:
    accumulator = FORMAT.accumulator()
    place = {"response_id": "r1", "item_id": "item_m", "output_index": 0, "content_index": 0}
    kind = "response.output_audio_transcript.delta"

    told = [event(kind, **place, delta="Hel"), event(kind, **place, delta="lo.")]

    assert ["Hel", "lo."] == [found for each in told for found in accumulator.add(each)]
    assert "Hello." == accumulator.turn().text
    accumulator.add(done("r1", message("Hello.")))
    assert "Hello." == accumulator.turn().text


def test_events_of_the_sdk_are_taken_like_mappings() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    told = calls("r1", item("c1", "look"))
    plain, typed = FORMAT.accumulator(), FORMAT.accumulator()

    for each in told:
        assert plain.add(each) == typed.add(adapter.validate_python(each))

    assert plain.turn() == typed.turn()


def test_arguments_without_end_are_bounded() -> None:
    accumulator = FORMAT.accumulator()
    ids = {"response_id": "r1", "item_id": "i", "output_index": 0, "call_id": "c1"}
    delta = event("response.function_call_arguments.delta", **ids, delta="x" * 2**18)

    for _ in range(6):
        accumulator.add(delta)

    assert MOST_CHARACTERS == len(accumulator.turn().calls[0].arguments)


FIELDS = {
    "item": [],
    "response": 1,
    "delta": [],
    "arguments": 5,
    "output_index": "x",
    "item_id": {},
}
HOSTILE = [
    {"output": 7, "usage": [], "status_details": "x", "status": []},
    {"output": [{"type": "function_call", "call_id": [], "name": 3, "arguments": ["\ud800"]}, 4]},
    {
        "output": [
            {"type": "message", "content": "x"},
            {"type": "message", "content": [{"text": 1}]},
        ]
    },
    {"usage": {"input_tokens": "many", "input_token_details": []}, "status": "incomplete"},
    {"status": "incomplete", "status_details": {"reason": []}},
]


@pytest.mark.parametrize("kind", [*KINDS, "response.done"])
def test_fields_of_other_types_are_never_raised(kind: str) -> None:
    """
    A provider can be any server that speaks the wire format.
    """
    accumulator = FORMAT.accumulator()
    accumulator.add(created("r1"))
    for name, value in FIELDS.items():
        accumulator.add({"type": kind, "response_id": "r1", name: value})
        accumulator.add({"type": kind, "response_id": "r1", "item_id": "i1", name: value})
    assert "" == accumulator.turn().text


@pytest.mark.parametrize("response", HOSTILE)
def test_a_whole_response_of_other_types_is_read(response: dict[str, Any]) -> None:
    accumulator = FORMAT.accumulator()
    accumulator.add({"type": "response.done", "response": {"id": "r1", **response}})
    turn = accumulator.turn()
    assert Tokens() == turn.tokens + Tokens()
    json.dumps([each.arguments for each in turn.calls], ensure_ascii=False).encode()
