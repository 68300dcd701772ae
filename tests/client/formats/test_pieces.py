"""
What comes in pieces, whole again and within bounds.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import Chunking, chunkings, texts
from exampling import few
from hypothesis import given
from toolcell_client.formats.pieces import (
    NAME_CHARACTERS,
    OBJECT_BYTES,
    Pieces,
    Room,
    argument_text,
    count,
    short,
    verbatim,
)

DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


@few
@given(chunkings(), texts())
def test_pieces_join_to_the_text(chunking: Chunking, text: str) -> None:
    """
    And what can be read of each is never half a character.
    """
    pieces = Pieces(Room(2**20))
    read = [pieces.add(each) for each in chunking.cut(text)]

    assert text == str(pieces) == "".join(each.encode().decode() for each in read)


def test_room_is_shared_and_ends_between_characters() -> None:
    room = Room(5)
    first, second = Pieces(room), Pieces(room)

    assert ("ab", "é", "") == (first.add("ab"), second.add("éé"), first.add("c"))
    assert (True, True, "ab", "é") == (first.cut, second.cut, str(first), str(second))
    assert room.full


def test_a_value_enters_whole_or_not_at_all() -> None:
    """
    And counts what it needs besides its text, so that empty ones do not come for ever.
    """
    room = Room(3 * OBJECT_BYTES)

    assert [{}, {}, None] == [verbatim({}, room) for _ in range(3)]
    assert room.full
    assert verbatim("x" * OBJECT_BYTES, Room(OBJECT_BYTES)) is None


def test_a_value_is_mended_throughout() -> None:
    value = {"\ud83d": ["\ud83d\ude00", {"a": "\ude00"}]}

    assert {"\ufffd": ["😀", {"a": "\ufffd"}]} == verbatim(value, Room(2**20))


@pytest.mark.parametrize("value", [float("nan"), 10**5000, b"bytes", DEEP], ids=lambda _: "")
def test_what_is_no_json_is_left_out(value: Any) -> None:
    assert verbatim([value], Room(2**20)) is None


@pytest.mark.parametrize(
    ("written", "text"),
    [(None, ""), ("", ""), ('{"a', '{"a'), ({"a": 1}, '{"a": 1}'), (7, "7"), (b"", "<bytes>")],
)
def test_arguments_are_text(written: Any, text: str) -> None:
    assert text == argument_text(written)


def test_arguments_that_cannot_be_text_are_none_that_can_be_read() -> None:
    assert "<list>" == argument_text(DEEP)


def test_names_are_short_and_numbers_are_counts() -> None:
    """
    Whatever came in their place.
    """
    assert ["a", "", "", "\ufffd"] == [short(each) for each in ("a", None, 7, "\ud83d")]
    assert NAME_CHARACTERS == len(short("x" * 1000))
    assert [7, 0, 0, 0, 0] == [count(each) for each in (7, -1, True, 1.5, None)]
