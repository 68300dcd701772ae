"""
Messages in a stream: the same ones however the stream is cut.
"""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queries import REAL, message, option_record, question, with_edns
from toolcell_server.egress.dns import Malformed
from toolcell_server.egress.dns_framing import Framing, framed

MESSAGES = list(REAL.values())


def test_messages_come_out_as_they_went_in() -> None:
    """
    A resolver may ask for A and AAAA in one segment (RFC 7766 §6.2.1.1).
    """
    stream = b"".join(map(framed, MESSAGES))

    assert MESSAGES == Framing().feed(stream)


def test_messages_come_out_byte_by_byte() -> None:
    """
    A segment may be of any size.
    """
    framing = Framing()
    stream = b"".join(map(framed, MESSAGES))
    found = [each for place in range(len(stream)) for each in framing.feed(stream[place:][:1])]

    assert MESSAGES == found


@given(st.lists(st.integers(0, 700), max_size=12))
def test_messages_do_not_depend_on_where_the_stream_is_cut(cuts: list[int]) -> None:
    """
    What a cell reaches must not depend on its segments.
    """
    stream = b"".join(map(framed, MESSAGES))
    framing = Framing()
    places = [0, *sorted(cuts), len(stream)]
    found = [
        each
        for start, end in itertools.pairwise(places)
        for each in framing.feed(stream[start:end])
    ]

    assert MESSAGES == found


LENGTHS = {"0 bytes": 0, "11 bytes": 11, "1025 bytes": 1025, "65535 bytes": 65535}


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
def test_a_length_that_no_question_has_ends_the_stream(length: int) -> None:
    """
    It is refused before its bytes are kept, and nothing behind it is read.
    """
    framing = Framing()
    with pytest.raises(Malformed):
        framing.feed(length.to_bytes(2, "big"))
    with pytest.raises(Malformed):
        framing.feed(framed(MESSAGES[0]))


def test_the_longest_question_passes() -> None:
    """
    The bound is exact.
    """
    longest = with_edns(question(), option_record(options=bytes(984)))

    assert 1024 == len(longest)
    assert [longest] == Framing().feed(framed(longest))


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_stream_gives_messages_or_is_malformed(segments: list[bytes]) -> None:
    """
    Another exception would end the egress of a cell at the will of the cell.
    """
    framing = Framing()
    try:
        for each in segments:
            framing.feed(each)
    except Malformed:
        pass


def test_a_long_stream_is_read_in_linear_time() -> None:
    """
    A megabyte of the shortest messages, in one piece and byte by byte.
    """
    stream = framed(message()) * 75_000
    began = time.process_time()
    framing = Framing()
    for place in range(0, len(stream), 3):
        framing.feed(stream[place : place + 3])

    assert 75_000 == len(Framing().feed(stream))
    assert time.process_time() - began < 5.0
