"""
ClientHellos: those that OpenSSL sends, and any other, built part by part.
"""

from __future__ import annotations

import contextlib
import itertools
import ssl
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SERVER_NAME, ALPN, VERSIONS, PRE_SHARED_KEY = 0, 16, 43, 41
ENCRYPTED, ESNI = 0xFE0D, 0xFFCE


def vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, data)


def named(*names: bytes, kind: int = 0) -> bytes:
    """
    The extension server_name with these names.
    """
    entries = b"".join(bytes([kind]) + vector(2, each) for each in names)
    return extension(SERVER_NAME, vector(2, entries))


def body(
    *extensions: bytes,
    version: int = 0x0303,
    session: bytes = bytes(32),
    suites: bytes = b"\x13\x01\xc0\x2f",
    compressions: bytes = b"\0",
) -> bytes:
    start = version.to_bytes(2, "big") + bytes(range(32))
    chosen = vector(1, session) + vector(2, suites) + vector(1, compressions)
    return start + chosen + vector(2, b"".join(extensions))


def handshake(of: bytes, kind: int = 1) -> bytes:
    return bytes([kind]) + vector(3, of)


def record(fragment: bytes, kind: int = 22, version: int = 0x0301) -> bytes:
    return struct.pack("!BH", kind, version) + vector(2, fragment)


def records(message: bytes, cuts: Iterable[int] = ()) -> bytes:
    """
    A handshake message in records that are cut at these places.
    """
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(message)}), len(message)]
    return b"".join(record(message[a:b]) for a, b in itertools.pairwise(places))


def hello(*extensions: bytes) -> bytes:
    return records(handshake(body(*extensions)))


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
