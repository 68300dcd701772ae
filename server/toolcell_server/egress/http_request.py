"""
A request's head: is it one that can be decided on, and what is there to decide?  Pure.

Sources: RFC 9112 sections 3.2 (forms of the target), 3.2.2 (absolute-form), 3.2.4 (asterisk-form),
3.3; RFC 9110 sections 7.2 (Host), 7.8 (Upgrade), 9.3.6 (CONNECT), 9.3.8 (TRACE), 10.1.1 (Expect).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.http_actions import Head
from toolcell_server.egress.http_errors import Malformed, NotTaken
from toolcell_server.egress.http_fields import connection_options
from toolcell_server.egress.http_framing import request_boundary

if TYPE_CHECKING:
    from toolcell_server.egress.http_bodies import Boundary
    from toolcell_server.egress.http_lines import RawHead

# No userinfo, no percent-encoding, no comma: what names a host in DNS or is an address, and a port.
_AUTHORITY: Final = re.compile(
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)
_ABSOLUTE: Final = re.compile(r"http://(?P<authority>[^/?]*)(?P<rest>.*)", re.IGNORECASE)
_HTTP_PORT: Final = 80


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request that may be asked about.

    `last`: no other may follow on its connections.  So it is if the client says so or speaks 1.0,
    and after any body: a server that leaves a body unread, as some do with that of a GET, would
    read it as the next request, one that nobody was asked about.
    """

    head: Head
    raw: RawHead
    options: frozenset[bytes]
    boundary: Boundary
    last: bool

    @property
    def old(self) -> bool:
        return self.raw.start["minor"] == b"0"


def read_request(raw: RawHead) -> Request:
    """
    Raises:
        Malformed: the head is not one that everybody reads alike.
        NotTaken: it wants what is never granted.
    """
    _check_taken(raw)
    options = connection_options(raw)
    if b"upgrade" in options or raw.values(b"upgrade") or raw.values(b"http2-settings"):
        raise NotTaken("upgrade", "no other protocol is spoken on this connection")
    host, port = _host(raw)
    boundary = request_boundary(raw)
    body = _has_body(raw)
    _check_expectation(raw, body=body)
    method = raw.start["method"].decode()
    target = _target(raw.start["target"].decode(), method, (host, port or _HTTP_PORT))
    head = Head(method, target, host, port, tuple(_decoded(raw)))
    last = body or b"close" in options or raw.start["minor"] == b"0"
    return Request(head, raw, options, boundary, last)


def _check_taken(raw: RawHead) -> None:
    # A tunnel is opaque, and a trace shows the tool what was added to its request.
    if raw.start["method"].upper() in {b"CONNECT", b"TRACE"}:
        raise NotTaken("method_not_granted", "CONNECT and TRACE are never granted")


def _host(raw: RawHead) -> tuple[str, int | None]:
    """
    The one Host, required of HTTP/1.0 too: what names no host cannot be granted.
    """
    hosts = raw.values(b"host")
    if len(hosts) != 1:
        raise Malformed("it has no Host header" if not hosts else "it has more than one Host")
    return _authority(hosts[0].decode("latin-1"))


def _authority(text: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        raise Malformed("its host is not a name or an address, with or without a port")
    if match["port"] is None:
        return match["host"].lower(), None
    port = int(match["port"])
    if not 0 < port < 2**16:
        raise Malformed("its port is not a number from 1 to 65535")
    return match["host"].lower(), port


def _has_body(raw: RawHead) -> bool:
    lengths = raw.values(b"content-length")
    return bool(raw.values(b"transfer-encoding")) or any(int(each) for each in lengths)


def _check_expectation(raw: RawHead, *, body: bool) -> None:
    """
    Servers have disagreed on every other expectation, and on one without a body.
    """
    expected = [each.lower() for each in raw.values(b"expect")]
    if expected and (expected != [b"100-continue"] or not body):
        raise Malformed("its Expect header is not that of a body to come")


def _target(target: str, method: str, authority: tuple[str, int]) -> str:
    """
    The target as it goes upstream: origin-form, or "*".
    """
    if "#" in target:
        raise Malformed("its target has a fragment")
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return target
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Malformed("its target is neither a path nor a URL of http")
    host, port = _authority(match["authority"])
    if (host, port or _HTTP_PORT) != authority:
        raise Malformed("its target and its Host name different servers")
    if not match["rest"] and method == "OPTIONS":
        return "*"
    return match["rest"] if match["rest"].startswith("/") else f"/{match['rest']}"


def _decoded(raw: RawHead) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode("latin-1")) for name, value in raw.fields]
