"""
Output of a tool: what is kept and what is left out.
"""

from __future__ import annotations

import pytest
from toolcell_server.output import KILL_FACTOR, MAXIMUM_TAIL_BYTES, Keeping

LIMIT = 1000


def numbered(count: int) -> bytes:
    """
    Bytes of which every stretch tells where it was.
    """
    return b"".join(number.to_bytes(4, "big") for number in range(count // 4 + 1))[:count]


def kept(data: bytes, pieces: int) -> tuple[bytes, int, bytes]:
    """
    Head, count of what is left out, and tail, of data that comes in pieces of this size.
    """
    keeping = Keeping(LIMIT)
    head = b"".join(keeping.take(data[at : at + pieces]) for at in range(0, len(data), pieces))
    skipped, tail = keeping.rest()
    assert keeping.truncated == (skipped > 0)
    assert keeping.total == len(data)
    return head, skipped, tail


@pytest.mark.parametrize("pieces", [1, 7, 250, 999, 10**6], ids=lambda n: f"pieces of {n} bytes")
@pytest.mark.parametrize(
    ("total", "skipped"),
    [
        pytest.param(0, 0, id="nothing written"),
        pytest.param(1, 0, id="one byte"),
        pytest.param(750, 0, id="exactly the head"),
        pytest.param(751, 0, id="one byte of tail"),
        pytest.param(1000, 0, id="exactly the limit"),
        pytest.param(1001, 1, id="a byte above the limit"),
        pytest.param(15_999, 14_999, id="far above the limit"),
    ],
)
def test_head_and_tail_are_kept_and_what_is_left_out_is_counted(
    total: int, skipped: int, pieces: int
) -> None:
    """
    Nothing is lost below the limit, and above it nobody has to guess what is missing.
    """
    data = numbered(total)
    head, left_out, tail = kept(data, pieces)

    assert skipped == left_out
    assert data == head + data[len(head) : len(head) + skipped] + tail
    assert len(head) + len(tail) == min(total, LIMIT)
    assert len(head) >= min(total, LIMIT * 3 // 4)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5], ids=lambda n: f"a limit of {n}")
def test_the_smallest_limits_keep_as_much_as_they_allow(limit: int) -> None:
    """
    Quarters of small numbers round to nothing.
    """
    keeping = Keeping(limit)
    head = keeping.take(b"abcdefgh")
    skipped, tail = keeping.rest()

    assert limit == len(head) + len(tail)
    assert (b"abcdefgh"[: len(head)], b"abcdefgh"[8 - len(tail) :]) == (head, tail)
    assert 8 - limit == skipped


@pytest.mark.parametrize(
    ("total", "flooding"),
    [
        pytest.param(LIMIT, False, id="at the limit"),
        pytest.param(LIMIT * KILL_FACTOR, False, id="at sixteen times the limit"),
        pytest.param(LIMIT * KILL_FACTOR + 1, True, id="a byte above that"),
    ],
)
def test_a_flood_is_sixteen_times_the_limit(total: int, flooding: bool) -> None:
    """
    A chatty tool is cut; only one that never stops is ended.
    """
    keeping = Keeping(LIMIT)
    keeping.take(bytes(total))

    assert flooding == keeping.flooding


def test_memory_for_one_stream_is_bounded_by_the_limit() -> None:
    """
    What is kept for later must not grow with what is written.
    """
    keeping = Keeping(LIMIT)
    keeping.take(bytes(LIMIT * 100))

    assert len(keeping._tail) <= LIMIT // 4


def test_a_large_limit_keeps_no_large_tail() -> None:
    """
    A tail is memory of the service, and a limit may be raised to many times of what it has.
    """
    keeping = Keeping(2**40)

    assert MAXIMUM_TAIL_BYTES == keeping.limit - keeping.head
