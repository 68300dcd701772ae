"""
ClientHellos: those that OpenSSL sends, and what it reads in others.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


def spoken(
    name: str | None = "example.com",
    protocols: Sequence[str] = (),
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> bytes:
    """
    What OpenSSL sends first.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version, context.maximum_version = least, most
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return first_flight(context, name)


def first_flight(
    context: ssl.SSLContext, name: str | None, session: ssl.SSLSession | None = None
) -> bytes:
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name, session=session)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def seen_by_openssl(data: bytes) -> list[str | None]:
    """
    The name that a server of OpenSSL reads in a first flight; nothing if it does not get so far.
    """
    seen: list[str | None] = []
    incoming = ssl.MemoryBIO()
    incoming.write(data)
    _SERVER.sni_callback = lambda _server, name, _context: seen.append(name and name.lower())
    server = _SERVER.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    with contextlib.suppress(ssl.SSLError):
        server.do_handshake()
    return seen


# Without a certificate, so that the tests need none: names are read before one is asked for.
_SERVER: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
_SERVER.set_ciphers("ALL:@SECLEVEL=0")

LONG_PROTOCOLS: Final = tuple(f"{number:03}-" + "x" * 250 for number in range(100))

REAL: Final = {
    "TLS 1.2 and 1.3": spoken(),
    "TLS 1.2 only": spoken(most=ssl.TLSVersion.TLSv1_2),
    "TLS 1.3 only": spoken(least=ssl.TLSVersion.TLSv1_3),
    "without a name": spoken(None),
    "a name in mixed cases": spoken("eXaMPle.cOM"),
    "two protocols": spoken(protocols=("h2", "http/1.1")),
}
