"""
Messages of DNS in a stream of TCP: each behind its length in two bytes (RFC 7766 §8).  Pure.
"""

from __future__ import annotations

from typing import Final

from toolcell_server.egress.dns import HEADER, MAXIMUM_BYTES, Malformed

_LENGTH_BYTES: Final = 2


class Framing:
    """
    One direction of one connection.  Keeps less than one message between two calls.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """
        The messages that are complete with this.

        A length that is refused ends the stream, for nobody knows where the next message begins:
        messages before it in the same `data` are lost, and every later call raises too.

        Raises:
            Malformed: a message longer than any question, or shorter than a header.
        """
        self._left += data
        messages: list[bytes] = []
        start = 0
        while (end := self._end(start)) is not None and end <= len(self._left):
            messages.append(bytes(self._left[start + _LENGTH_BYTES : end]))
            start = end
        del self._left[:start]
        return messages

    def _end(self, start: int) -> int | None:
        prefix = self._left[start : start + _LENGTH_BYTES]
        if len(prefix) < _LENGTH_BYTES:
            return None
        length = int.from_bytes(prefix, "big")
        if not HEADER.size <= length <= MAXIMUM_BYTES:
            raise Malformed(f"a message of {length} bytes in a stream")
        return start + _LENGTH_BYTES + length


def framed(answer: bytes) -> bytes:
    """
    An answer as it goes into the stream.
    """
    return len(answer).to_bytes(_LENGTH_BYTES, "big") + answer
