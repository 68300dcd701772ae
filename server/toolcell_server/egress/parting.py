"""
How a connection ends that we end ourselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

LAST_WORDS_SECONDS: Final = 1.0  # arbitrary; how long a refused client may still be sending
_READ_BYTES: Final = 64 * 1024
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: close by a reset


def close_by_reset(connection: socket.socket) -> None:
    """
    Let the other side fail at once, and not wait.
    """
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    connection.close()


async def read_last_words(connection: socket.socket) -> None:
    """
    Let a client that is still sending read what it was told: to close with its bytes unread would
    reset the connection, and destroy the answer on its way (RFC 9112 9.6).
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        connection.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            while await loop.sock_recv(connection, _READ_BYTES):
                pass
