"""
One GET, bounded in time and size: the key set of an issuer.

Theory of operation.  The whole has five seconds, whatever the other side does (a time for each read
would let it drip for ever), and 1 MiB.  No redirect is followed: the operator named an address, and
what that points to is somebody else's choice.  No proxy is used; where one is needed, let a job
write `jwks_file`.  TLS is verified against the host's authorities or those of `ca_file`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import h11

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

SECONDS: Final = 5.0  # arbitrary; a caller with a new key waits for it
MAXIMUM_BYTES: Final = 2**20
_OK: Final = 200


class NotFetched(Exception):  # noqa: N818  # names what happened
    """
    Raised when there is no answer, or not one that can be used.
    """


async def fetch(url: str, authorities: ssl.SSLContext | None) -> bytes:
    """
    The body of the answer.  `authorities` is for https, None for http.

    Raises:
        NotFetched: says why.
    """
    try:
        async with asyncio.timeout(SECONDS), _connected(url, authorities) as streams:
            return await _answer(url, *streams)
    except TimeoutError:
        raise NotFetched(f"no answer within {SECONDS:g} s") from None
    except (OSError, h11.RemoteProtocolError) as exc:
        raise NotFetched(str(exc) or type(exc).__name__) from None


@contextlib.asynccontextmanager
async def _connected(
    url: str, authorities: ssl.SSLContext | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    port = parts.port or (443 if authorities else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=authorities)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # a TLS farewell could keep us waiting


async def _answer(url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    connection, body = h11.Connection(h11.CLIENT), bytearray()
    writer.write(_asked(connection, url))
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            case h11.Response(status_code=status) if status != _OK:
                raise NotFetched(f"the answer is {status}, not 200")
            case h11.Data(data=data):
                body += data
                if len(body) > MAXIMUM_BYTES:
                    raise NotFetched(f"the answer has more than {MAXIMUM_BYTES} bytes")
            case h11.EndOfMessage():
                return bytes(body)
            case h11.ConnectionClosed():
                raise NotFetched("the connection was closed before the answer")


def _asked(connection: h11.Connection, url: str) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = [
        ("Host", parts.netloc),
        ("Accept", "application/json"),
        ("User-Agent", "toolcell"),
        ("Connection", "close"),
    ]
    request = h11.Request(method="GET", target=target, headers=headers)
    return (connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b"")
