"""
The lines of an HTTP/1 head, checked before any parser sees them.  Pure.

Theory of operation.  h11 parses what goes on, and h11 is lenient on purpose: it takes a bare LF as
the end of a line, joins folded lines, lets control characters through, and merges two equal
Content-Lengths into one.  Each of these is a place where two parsers have disagreed on where a
message ends.  What goes on is written anew by h11, so the server sees none of them; they are
refused all the same, because no honest client sends them, and because the decision whether a
request is granted must not rest on one library's reading of them.

So a head is collected here, line by line, with bounds of its own, and one pattern for each kind of
line that can only say yes or no.  h11 then gets exactly one whole head: it never waits for more,
and it never holds a byte of the next message.

Sources: RFC 9112 sections 2.2 (bare CR and LF), 3 (request line), 4 (status line), 5 (fields, no
blank before the colon, obs-fold); RFC 9110 section 5.5 (values).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from toolcell_server.egress.http_errors import Malformed

HEAD_BYTES: Final = 32 * 1024  # request or status line, all fields and the empty line
FIELDS: Final = 100
TARGET_BYTES: Final = 8 * 1024

_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_VALUE: Final = rb"[\t\x20-\x7e\x80-\xff]*"  # no control characters, DEL among them

REQUEST_LINE: Final = re.compile(
    rb"(?P<method>" + _TOKEN + rb") (?P<target>[\x21-\x7e]+) HTTP/1\.(?P<minor>[01])\r\n"
)
STATUS_LINE: Final = re.compile(
    rb"HTTP/1\.(?P<minor>[01]) (?P<status>[1-9][0-9]{2})(?: " + _VALUE + rb")?\r\n"
)
_FIELD_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):(" + _VALUE + rb")\r\n")


@dataclass(frozen=True, slots=True)
class RawHead:
    """
    One whole head: `data` as it came, `start` the match of its first line, `fields` the names in
    lower case and the values without blanks around, in their order and nothing merged.
    """

    data: bytes
    start: re.Match[bytes]
    fields: tuple[tuple[bytes, bytes], ...]

    def values(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.fields if found == name]


class HeadLines:
    """
    Collects one head.  It looks at each byte once, however small the pieces, and holds nothing
    but what it found: the bytes stay with the caller.
    """

    def __init__(self, start_line: re.Pattern[bytes], maximum: int = HEAD_BYTES) -> None:
        self._start_line = start_line
        self._maximum = maximum
        self._start: re.Match[bytes] | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self._begin = 0  # of the line that is not whole yet
        self._searched = 0

    def take(self, waiting: bytearray) -> RawHead | None:
        """
        The head that `waiting` begins with, taken off it; None while it is not whole.

        Raises:
            Malformed: it is none, or is too large.
        """
        if waiting[:1] and waiting[0] <= ord(" "):
            # At once: what begins so, a TLS handshake for one, may never send the end of a line.
            raise Malformed("it does not begin as HTTP does")
        while end := waiting.find(b"\n", self._searched) + 1:
            _check_size(end, self._maximum)
            line = bytes(waiting[self._begin : end])
            self._begin = self._searched = end
            if line == b"\r\n" and self._start:
                return self._taken(waiting, self._start)
            self._read(line)
        _check_size(len(waiting), self._maximum)
        self._searched = len(waiting)
        return None

    def _taken(self, waiting: bytearray, start: re.Match[bytes]) -> RawHead:
        data = bytes(waiting[: self._begin])
        del waiting[: self._begin]
        return RawHead(data, start, tuple(self._fields))

    def _read(self, line: bytes) -> None:
        if self._start is None:
            self._start = self._start_line.fullmatch(line)
            if self._start is None:
                raise Malformed(line_fault(line) or "its first line is not that of HTTP/1.1 or 1.0")
            _check_target(self._start)
            return
        self._fields.append(field_of(line))
        if len(self._fields) > FIELDS:
            raise Malformed(f"it has more than {FIELDS} headers")


def field_of(line: bytes) -> tuple[bytes, bytes]:
    """
    Name and value of a header or trailer line.

    Raises:
        Malformed: it is none.
    """
    match = _FIELD_LINE.fullmatch(line)
    if match is None:
        raise Malformed(line_fault(line) or _field_fault(line))
    return match[1].lower(), match[2].strip(b" \t")


def line_fault(line: bytes) -> str:
    """
    What is wrong with any line; empty if nothing is.
    """
    if not line.endswith(b"\r\n"):
        return "a line ends in a bare line feed"
    if b"\r" in line[:-2]:
        return "a line has a bare carriage return"
    if b"\0" in line:
        return "a line has a NUL"
    return ""


def _field_fault(line: bytes) -> str:
    if line[:1] in {b" ", b"\t"}:
        return "a header is folded over two lines"
    name, colon, _ = line.partition(b":")
    if colon and name.rstrip(b" \t") != name:
        return "a header has a blank before its colon"
    if re.fullmatch(_TOKEN, name) and colon:
        return "a header's value has a control character"
    return "a line is not a header"


def _check_size(size: int, maximum: int) -> None:
    if size > maximum:
        raise Malformed(f"its headers are larger than {maximum} bytes")


def _check_target(start: re.Match[bytes]) -> None:
    if len(start.groupdict().get("target") or b"") > TARGET_BYTES:
        raise Malformed(f"its target is longer than {TARGET_BYTES} bytes")
