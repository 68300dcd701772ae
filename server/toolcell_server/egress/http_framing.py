"""
How the head of a message frames its body.  Pure.

RFC 9112 section 6.3 has rules for heads that say it twice, and each parser its own: here a message
that needs such a rule is refused.

Sources: RFC 9112 sections 6.1 (Transfer-Encoding), 6.2 (Content-Length), 6.3 (which of them
counts); RFC 9110 section 8.6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.http_bodies import Boundary, Chunks, Length, UntilEnd
from toolcell_server.egress.http_errors import Malformed

if TYPE_CHECKING:
    from toolcell_server.egress.http_lines import RawHead

# Whoever computes with 64 bits, signed or not, agrees on 18 digits.
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


def request_boundary(head: RawHead) -> Boundary:
    """
    Raises:
        Malformed: as `_check`.
    """
    _check(head)
    if head.values(b"transfer-encoding"):
        return Chunks()
    return Length(_length(head) or 0)


def response_boundary(head: RawHead, method: bytes) -> Boundary:
    """
    The body of a final response to a request with that method.

    Raises:
        Malformed: as `_check`, or a 204 is sent in chunks (RFC 9112 section 6.1).
    """
    _check(head)
    status = head.start["status"]
    chunked = bool(head.values(b"transfer-encoding"))
    if status == b"204" and chunked:
        raise Malformed("it has a body where none may be")
    if method == b"HEAD" or status in {b"204", b"304"}:
        return Length(0)
    if chunked:
        return Chunks()
    length = _length(head)
    return UntilEnd() if length is None else Length(length)


def check_informational(head: RawHead) -> None:
    """
    Raises:
        Malformed: a 1xx response frames a body (RFC 9112 section 6.1, RFC 9110 section 8.6), or
            leaves HTTP: nobody asked it to.
    """
    if head.start["status"] == b"101":
        raise Malformed("it switches protocols")
    if head.values(b"transfer-encoding") or head.values(b"content-length"):
        raise Malformed("it has a body where none may be")


def _check(head: RawHead) -> None:
    """
    Raises:
        Malformed: there is more than one word on where the body ends, or an unknown one.
    """
    encodings, lengths = head.values(b"transfer-encoding"), head.values(b"content-length")
    if encodings and lengths:
        raise Malformed("it has both Content-Length and Transfer-Encoding")
    if len(lengths) > 1:
        raise Malformed("it has more than one Content-Length")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise Malformed("its Content-Length is not a plain number")
    if encodings and [each.lower() for each in encodings] != [b"chunked"]:
        raise Malformed("its Transfer-Encoding is not exactly chunked")
    if encodings and head.start["minor"] == b"0":
        raise Malformed("HTTP/1.0 knows no Transfer-Encoding")


def _length(head: RawHead) -> int | None:
    return next(map(int, head.values(b"content-length")), None)
