"""
The first head that a client says to the proxy: whose is it, and where does it lead?  Pure.

Theory of operation.  Two requests are understood: CONNECT with a host and a port, which opens a
tunnel, and any other method with a URL of plain http, which is passed on.  Lines and bounds are
checked as those of every head (`http_lines`), and h11 must read the same.  The host is taken as it
is written: whether it is a name, and one that was granted, the decisions say, as for every cell.

Whoever is on this host reaches the proxy's port.  The cell's token tells it from them; it is
compared before the host is looked at, and the same time is spent on every wrong one.

Sources: RFC 9110 sections 9.3.6 (CONNECT), 11.7.1 (Proxy-Authenticate, Proxy-Authorization); RFC
9112 sections 3.2.2, 3.2.3; RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Final

import h11

from toolcell_server.egress.entrance import Entrance, Way
from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_refusals import H11_BYTES

if TYPE_CHECKING:
    from toolcell_server.egress.http_lines import RawHead

HEAD_BYTES: Final = 8 * 1024
USER: Final = "cell"  # what clients send beside the token; proxies.py of the server writes it
_URL: Final = re.compile(r"http://(?P<authority>[^/?#]*).*", re.IGNORECASE)
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_HTTP_PORT, _HIGHEST_PORT = 80, 65535
_FRAMING: Final = (b"content-length", b"transfer-encoding")


def authorised(raw: RawHead, token: str) -> bool:
    """
    Whether the head has the token, once, as a client makes it of the proxy's URL.
    """
    expected = b"basic " + base64.b64encode(f"{USER}:{token}".encode())
    given = raw.values(b"proxy-authorization")
    if len(given) != 1:
        return False
    scheme, _, credentials = given[0].partition(b" ")
    return hmac.compare_digest(scheme.lower() + b" " + credentials.strip(b" "), expected)


def entrance_of(raw: RawHead, behind: bytes) -> Entrance:
    """
    Where a head leads; `behind` is what was read after it.

    Raises:
        Malformed: it is neither of the two requests.
    """
    _check_read_alike(raw)
    target = raw.start["target"].decode()
    if raw.start["method"] == b"CONNECT":
        return _tunnel(raw, target, behind)
    url = _URL.fullmatch(target)
    if url is None:
        raise Malformed("to a proxy it must be CONNECT host:port, or name a URL of http")
    host, port = _place(url["authority"], _HTTP_PORT)
    return Entrance(host, port, Way.FORWARD, raw.data + behind)


def _tunnel(raw: RawHead, target: str, behind: bytes) -> Entrance:
    """
    Old clients send no Host with CONNECT; one that is sent must not name another server.
    """
    host, port = _place(target, None)
    if any(value != b"0" for name in _FRAMING for value in raw.values(name)):
        raise Malformed("a CONNECT has no body")
    hosts = [value.decode("latin-1").lower() for value in raw.values(b"host")]
    if hosts not in ([], [host.lower()], [f"{host}:{port}".lower()]):
        raise Malformed("its target and its Host name different servers")
    return Entrance(host, port, Way.TUNNEL, behind)


def _place(authority: str, usual: int | None) -> tuple[str, int]:
    """
    Host and port.  Of an address in brackets the colons are no port's.
    """
    host, colon, digits = authority.rpartition(":")
    if not colon or "]" in digits:
        host, digits = authority, str(usual or "")
    if not host or not _PORT.fullmatch(digits) or int(digits) > _HIGHEST_PORT:
        raise Malformed("it names no host and port")
    return host, int(digits)


def _check_read_alike(raw: RawHead) -> None:
    """
    h11 must take the very bytes for one request.  Its error holds them, and is left out.
    """
    connection = h11.Connection(h11.SERVER, H11_BYTES)
    connection.receive_data(raw.data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        raise Malformed("it can be read in two ways") from None
    if not isinstance(event, h11.Request) or event.target != raw.start["target"]:
        raise Malformed("it can be read in two ways")
