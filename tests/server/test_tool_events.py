"""
What a tool says becomes events of bounded size, or a word for its ending.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import tool_frames
from toolcell_server.judging import Words
from toolcell_server.results import INLINE_BYTES
from toolcell_worker.wire import Frame, Message, ProtocolError

MESSAGE_OF_A_CLIENT = 4 * 2**20  # what a gRPC client of default settings receives


def take(kind: int, payload: bytes, words: Words | None = None) -> Any:
    return tool_frames.take(Message(kind, payload), words or Words(ready=True))


def told(kind: int, value: Any) -> Any:
    return take(kind, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Frame.RESULT, Frame.RESULT),
        (Frame.RESULT, Frame.RAISED),
        (Frame.RAISED, Frame.RESULT),
        (Frame.RAISED, Frame.RAISED),
    ],
    ids=lambda kind: kind.name,
)
def test_a_second_ending_breaks_the_protocol(first: Frame, second: Frame) -> None:
    """
    Neither of them can be believed, and who repeats them for ever must not be listened to.
    """
    words = Words(ready=True)
    take(first, b'{"exception": "ValueError"}', words)

    with pytest.raises(ProtocolError, match="two endings"):
        take(second, b'{"exception": "ValueError"}', words)


def test_a_result_is_kept_as_it_was_sent() -> None:
    """
    Numbers that no parser keeps exactly reach the caller as the tool wrote them.
    """
    words = Words(ready=True)
    payload = b'[0.1000000000000000055511151231257827, 123456789012345678901234567890, "\xc3\xa4"]'
    take(Frame.RESULT, payload, words)

    assert payload == words.result


def test_a_result_of_null_is_a_result() -> None:
    """
    A tool that returns nothing returns null.
    """
    words = Words(ready=True)
    take(Frame.RESULT, b"null", words)

    assert words.result == b"null"


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        pytest.param("0.5", 0.5, id="half"),
        pytest.param("0", 0.0, id="zero is known"),
        pytest.param("-3", 0.0, id="below"),
        pytest.param("7", 1.0, id="above"),
        pytest.param("1e999", 1.0, id="infinitely far"),
        pytest.param("-1e999", 0.0, id="infinitely far back"),
        pytest.param("1" + "0" * 400, 1.0, id="an integer beyond any float"),
        pytest.param("-1" + "0" * 400, 0.0, id="the same below zero"),
        pytest.param("null", None, id="null"),
        pytest.param('"half"', None, id="a text"),
        pytest.param("[0.5]", None, id="a list"),
    ],
)
def test_progress_is_between_zero_and_one_or_unknown(fraction: str, expected: float | None) -> None:
    """
    Whatever number it claims, the tool cannot make the server raise.
    """
    event = take(Frame.PROGRESS, b'{"fraction": %s}' % fraction.encode())
    actual = event.progress.fraction if event.progress.HasField("fraction") else None

    assert expected == actual


@pytest.mark.parametrize(
    "value",
    [None, 7, [], {}, "x" * 15_000, "\ud800", "\0", "ä" * 2500],
    ids=["null", "number", "list", "object", "long", "half a pair", "a zero byte", "not ASCII"],
)
def test_texts_are_texts_of_bounded_size(value: Any) -> None:
    """
    Protobuf refuses lone surrogates by an exception, and clients refuse long messages.
    """
    said = dict.fromkeys(
        ("message", "operation", "target", "reason", "wall", "level", "exception"), value
    )
    log = told(Frame.LOG, said).log
    denied = told(Frame.DENIED, said).denied

    assert log.level == pb.LOG_LEVEL_INFO
    assert denied.wall == pb.WALL_UNSPECIFIED
    assert max(len(log.message), len(denied.target), len(denied.reason)) <= 8192
    assert isinstance(value, str) or log.message == denied.target == ""


@pytest.mark.parametrize("key", ["level", "message", "fields", "wall", "target", "fraction"])
def test_a_value_nested_as_deeply_as_can_be_parsed_is_no_danger(key: str) -> None:
    """
    A value that the parser just takes must not be too deep for whatever comes after it.
    """
    for depth in range(850, 1010):
        nested = b"[" * depth + b"]" * depth
        value = b'{"x": %s}' % nested if key == "fields" else nested
        for kind in (Frame.LOG, Frame.DENIED, Frame.PROGRESS):
            try:
                take(kind, b'{"%s": %s}' % (key.encode(), value))
            except ProtocolError:
                continue


def test_fields_of_a_log_record_are_told() -> None:
    """
    Structure survives.
    """
    event = told(Frame.LOG, {"level": "error", "message": "m", "fields": {"count": 3, "ä": [None]}})

    assert (pb.LOG_LEVEL_ERROR, "m") == (event.log.level, event.log.message)
    assert {"count": 3, "ä": [None]} == json.loads(event.log.fields_json)


def test_fields_that_are_too_large_are_left_out_and_their_size_told() -> None:
    """
    One event that a client cannot receive would hide every later one from it.
    """
    size = tool_frames.FIELDS_BYTES
    event = told(Frame.LOG, {"message": "m", "fields": {"x": "y" * size}})

    assert json.loads(event.log.fields_json)["omitted_bytes"] > size


def test_a_record_that_would_take_long_to_read_breaks_the_protocol() -> None:
    """
    While it is parsed, nobody else is served.
    """
    with pytest.raises(ProtocolError, match="holds"):
        take(Frame.LOG, b'{"fields": [' + b"[]," * 2**18 + b"[]]}")


def test_fields_that_hold_infinity_are_refused() -> None:
    """
    1e999 is JSON; what Python would write for it is not.
    """
    with pytest.raises(ProtocolError):
        take(Frame.LOG, b'{"fields": {"x": 1e999}}')


@pytest.mark.parametrize(
    ("size", "taken"), [(INLINE_BYTES, True), (INLINE_BYTES + 1, False)], ids=["fits", "too large"]
)
def test_a_partial_value_fits_into_one_event(size: int, taken: bool) -> None:
    """
    Unlike a result it is not sent in chunks.
    """
    payload = b'"' + b"x" * (size - 2) + b'"'
    if taken:
        event = take(Frame.PARTIAL, payload)
        assert payload == event.partial.value_json
        assert event.ByteSize() < MESSAGE_OF_A_CLIENT
        return
    with pytest.raises(ProtocolError):
        take(Frame.PARTIAL, payload)
