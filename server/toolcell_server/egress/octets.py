"""
Octets: bytes of a stranger, read once, from front to back, and never beyond their end.  Pure.

Theory of operation.  Both formats that egress reads, DNS and TLS, are numbers in network order and
vectors behind their lengths (RFC 8446 §3.4).  What goes wrong in parsers of either is a length that
nobody held against the bytes that are there, or bytes that nobody looked at.  So nothing here
indexes: `take` gives exactly as many bytes as were asked for, a vector is a reader of its own that
cannot see its neighbours, and `end` refuses what is left over.
"""

from __future__ import annotations


class Misshapen(ValueError):  # noqa: N818  # names what happened
    """
    Raised when bytes do not have the shape that they claim.  Each parser translates it.
    """


class Octets:
    """
    What is still to be read of some bytes.
    """

    __slots__ = ("_data", "position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.position

    def take(self, count: int) -> bytes:
        """
        The next `count` bytes.

        Raises:
            Misshapen: there are fewer.
        """
        if count > self.left:
            raise Misshapen(f"{count} bytes are announced, and {self.left} are there")
        start = self.position
        self.position = start + count
        return self._data[start : self.position]

    def number(self, width: int) -> int:
        """
        The next `width` bytes, as a number in network order.

        Raises:
            Misshapen: there are fewer.
        """
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int, least: int, most: int) -> Octets:
        """
        What stands behind a length of `width` bytes: from `least` to `most` bytes.

        Raises:
            Misshapen: the length lies outside of that, or says more than there is.
        """
        length = self.number(width)
        if not least <= length <= most:
            raise Misshapen(f"a length of {length}, which must be from {least} to {most}")
        return Octets(self.take(length))

    def end(self) -> None:
        """
        Raises:
            Misshapen: something is left over.
        """
        if self.left:
            raise Misshapen(f"{self.left} bytes too many")
