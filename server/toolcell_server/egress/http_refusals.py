"""
Responses of the gate's own.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import h11

from toolcell_server.egress.http_lines import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

H11_BYTES: Final = 2 * HEAD_BYTES  # h11's own bound, never met: ours are checked before

_REASON: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_PHRASES: Final = {
    400: "Bad Request",
    403: "Forbidden",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


def refusal(
    status: int,
    reason: str,
    sentence: str = "",
    *,
    with_body: bool = True,
    further: Iterable[tuple[str, str]] = (),
) -> bytes:
    """
    A complete response, after which the connection ends.  `reason` is for programs; the body is
    one sentence, which is the reason again if there is no better one; `further` are headers.

    Raises:
        ValueError: the status is not that of an error, or the reason is not a word.
    """
    if not 400 <= status <= 599:
        raise ValueError(f"{status} refuses nothing")
    if not _REASON.fullmatch(reason):
        raise ValueError("the reason of a refusal is a word in lower case, as host_not_granted")
    body = f"This request was refused: {sentence or reason}.\n".encode()
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        ("connection", "close"),
        ("x-toolcell-reason", reason),
        *further,
    ]
    phrase = _PHRASES.get(status, "Refused")
    # A connection that saw no request: what the client sent may be no request at all.
    connection = h11.Connection(h11.SERVER, H11_BYTES)
    head = connection.send(h11.Response(status_code=status, reason=phrase, headers=headers))
    # A response to HEAD has the headers of a body and none (RFC 9110 section 9.3.2).
    return head + body if with_body else head
