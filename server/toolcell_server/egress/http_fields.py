"""
Headers that end at the gate, in both directions.  Pure.

Sources: RFC 9110 sections 7.6.1 (Connection), 7.8 (Upgrade), 10.1.4 (TE), 11.7 (Proxy-*); RFC 7838
(Alt-Svc); RFC 9112 section 9.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.http_errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.egress.http_lines import RawHead

TOKEN: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-z]+", re.IGNORECASE)

# Transfer-Encoding is of one hop too; h11 writes it anew, and the body with it.
HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"),
        *(b"http2-settings", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-authentication-info",),
        # It names other hosts and ports for the same origin, which are not granted.
        b"alt-svc",
    }
)
# What says where a message ends and whose it is: no Connection header may take it away.
ESSENTIAL: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})


def connection_options(head: RawHead) -> frozenset[bytes]:
    """
    What the Connection headers list, in lower case.

    Raises:
        Malformed: one is no token, or names a header that must not be taken away.
    """
    listed = (word for value in head.values(b"connection") for word in value.split(b","))
    options = frozenset(word.strip(b" \t").lower() for word in listed) - {b""}
    if not all(map(TOKEN.fullmatch, options)) or options & ESSENTIAL:
        raise Malformed("its Connection header lists what it may not")
    return options


def to_server(
    headers: Iterable[tuple[bytes, bytes]], options: frozenset[bytes]
) -> list[tuple[bytes, bytes]]:
    """
    The headers of a request that are passed on: none of them is for a proxy.
    """
    return [
        (name, value)
        for name, value in end_to_end(headers, options)
        if not name.lower().startswith(b"proxy-")
    ]


def end_to_end(
    headers: Iterable[tuple[bytes, bytes]], options: frozenset[bytes]
) -> list[tuple[bytes, bytes]]:
    """
    The headers that are passed on, as they are and in their order.
    """
    dropped = HOP_BY_HOP | options
    return [(name, value) for name, value in headers if name.lower() not in dropped]
