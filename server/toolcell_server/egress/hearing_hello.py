"""
The first words of a client that speaks TLS, in time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.client_hello import ClientHelloReader, Malformed, NotTls
from toolcell_server.egress.verdicts import Denied, Reason

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.client_hello import ClientHello

HELLO_SECONDS: Final = 10.0  # arbitrary; from the connection to the whole ClientHello
READ_BYTES: Final = 16 * 1024


async def hear_hello(inside: socket.socket, early: bytes) -> tuple[ClientHello, bytes]:
    """
    The hello, and every byte that was read, of which `early` are the first.

    Raises:
        Denied: it said something else, or nothing in time.
    """
    reader, hello = ClientHelloReader(), None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            while hello is None:
                data, early = early or await loop.sock_recv(inside, READ_BYTES), b""
                if not data:
                    raise Denied(Reason.MALFORMED)
                hello = reader.feed(data)
    except TimeoutError:
        raise Denied(Reason.TOO_SLOW) from None
    except NotTls:
        raise Denied(Reason.NOT_TLS) from None
    except Malformed:
        raise Denied(Reason.MALFORMED) from None
    return hello, reader.received
