from __future__ import annotations

from toolcell_worker.capture import Capture


def fed(capture: Capture, *parts: bytes) -> Capture:
    for part in parts:
        capture.feed(part)
    return capture


def test_what_fits_is_kept_whole() -> None:
    """
    Head and tail must join without a seam.
    """
    capture = fed(Capture(head=4, tail=4), b"abc", b"def", b"gh")

    assert (capture.text(), capture.truncated, capture.size) == ("abcdefgh", False, 8)


def test_beyond_that_beginning_and_end_are_kept() -> None:
    """
    And it is said how much is missing.
    """
    capture = fed(Capture(head=3, tail=3), b"abcdefghij")

    assert capture.text() == "abc\n\u2026 4 bytes left out \u2026\nhij"
    assert capture.truncated


def test_the_end_is_the_same_however_it_was_written() -> None:
    """
    A byte at a time, or all at once.
    """
    data = bytes(range(65, 91)) * 50
    once = fed(Capture(head=7, tail=11), data)
    bytewise = fed(Capture(head=7, tail=11), *(bytes([byte]) for byte in data))

    assert once.text() == bytewise.text()


def test_memory_stays_bounded() -> None:
    """
    A program may print for ever.
    """
    capture = fed(Capture(head=10, tail=100), *[b"x" * 50] * 1000)

    assert len(capture._head) + len(capture._tail) <= 10 + 2 * 100 + 50
    assert capture.size == 50_000
