"""
Where the bytes of a body end.  Pure.

A boundary takes from what was received exactly the bytes that belong to the body, still encoded,
and raises before a byte that cannot.  h11 decodes them; a boundary can only refuse more than h11
does, and it is why h11 never holds a byte of the next message.

Sources: RFC 9112 sections 6.3 and 7.1 (chunks, their extensions and trailers).
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_fields import ESSENTIAL
from toolcell_server.egress.http_lines import HEAD_BYTES, field_of, line_fault

CHUNK_LINE_BYTES: Final = 1024  # arbitrary; a size and an extension that nobody uses

# Whoever computes with 64 bits, signed or not, agrees on 15 hexadecimal digits.
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Boundary(Protocol):
    """
    Takes the bytes of one body off what was received.  `until_end`: only the connection ends it.
    """

    until_end: bool

    def take(self, waiting: bytearray) -> bytes:
        """
        The next bytes of the body, as many as there are; none if more must be received, or if the
        body is complete.

        Raises:
            Malformed: the next byte cannot be right.  What was right before it is taken first, by
                a call of its own, so that it does not matter how the bytes were cut.
        """
        ...


class Length:
    """
    A body of so many bytes.
    """

    until_end = False

    def __init__(self, length: int) -> None:
        self._left = length

    def take(self, waiting: bytearray) -> bytes:
        taken = bytes(waiting[: self._left])
        del waiting[: len(taken)]
        self._left -= len(taken)
        return taken


class UntilEnd:
    """
    A body that ends where the connection does: of responses only (RFC 9112 section 6.3, rule 8).
    """

    until_end = True

    def take(self, waiting: bytearray) -> bytes:
        taken = bytes(waiting)
        waiting.clear()
        return taken


class Chunks:
    """
    A body in chunks.  h11 takes a size with blanks behind it, and a bare LF for the last line;
    this does not.
    """

    until_end = False

    def __init__(self) -> None:
        self._data = 0  # bytes of the chunk that are still to come
        self._data_ends = False  # the chunk's CRLF is to come
        self._trailers = -1  # bytes of trailers so far; -1 before the last chunk
        self._done = False

    def take(self, waiting: bytearray) -> bytes:
        position = 0
        try:
            while size := self._step(waiting, position):
                position += size
        except Malformed:
            if not position:
                raise
        taken = bytes(waiting[:position])
        del waiting[:position]
        return taken

    def _step(self, waiting: bytearray, at: int) -> int:
        """
        Bytes that are right from there on: of data, or a whole line.  Zero: more must come.
        """
        if self._done:
            return 0
        if self._data:
            size = min(self._data, len(waiting) - at)
            self._data -= size
            self._data_ends = not self._data
            return size
        if self._data_ends:
            return self._end_of_data(waiting, at)
        return self._line(waiting, at)

    def _end_of_data(self, waiting: bytearray, at: int) -> int:
        end = bytes(waiting[at : at + 2])
        if not b"\r\n".startswith(end):
            raise Malformed("a chunk is longer than its size")
        if len(end) < 2:
            return 0
        self._data_ends = False
        return 2

    def _line(self, waiting: bytearray, at: int) -> int:
        limit = CHUNK_LINE_BYTES if self._trailers < 0 else HEAD_BYTES - self._trailers
        end = waiting.find(b"\n", at, at + limit) + 1
        if end:
            self._read(bytes(waiting[at:end]))
            return end - at
        if len(waiting) - at >= limit:
            raise Malformed("a line of its chunks is too long")
        return 0

    def _read(self, line: bytes) -> None:
        if self._trailers < 0:
            self._data = _chunk_size(line)
            self._trailers = -1 if self._data else 0
        elif line == b"\r\n":
            self._done = True
        else:
            name, _ = field_of(line)
            if name in ESSENTIAL:  # forbidden there (RFC 9110 section 6.5.1)
                raise Malformed("a trailer says what only a header may")
            self._trailers += len(line)


def _chunk_size(line: bytes) -> int:
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise Malformed(line_fault(line) or "the size of a chunk is not a plain hexadecimal number")
    return int(match[1], 16)
