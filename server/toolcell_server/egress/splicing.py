"""
Bytes from one connection to another and back, as they are, counted, until both sides have ended.

Theory of operation.  Each direction reads into a buffer of its own and writes it before it reads
again, so a slow peer makes the other wait, and memory is what the buffers are.  They begin small
and grow with what comes: most connections carry little, and there may be thousands.  The end of one
side is passed on as the end of that direction only (TCP half-close); an error ends both.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    # Takes so many bytes of the budget; whether so many were left.
    Take = Callable[[int], bool]

SMALLEST: Final = 16 * 1024
LARGEST: Final = 256 * 1024  # larger ones carry no more (measured: `make bench`)


async def splice(inside: socket.socket, outside: socket.socket, send: Take, receive: Take) -> None:
    """
    Pass everything on until both sides have ended or the budget is spent.

    Raises:
        Spent: the budget is.
        OSError: a side broke off.
    """
    both = [
        asyncio.create_task(_pass_on(inside, outside, send)),
        asyncio.create_task(_pass_on(outside, inside, receive)),
    ]
    try:
        await asyncio.gather(*both)
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


class Spent(OSError):  # noqa: N818  # names what happened
    """
    Raised when the budget is spent: nothing more is passed on, either way.
    """


async def _pass_on(source: socket.socket, target: socket.socket, take: Take) -> None:
    loop = asyncio.get_running_loop()
    buffer = bytearray(SMALLEST)
    while count := await loop.sock_recv_into(source, buffer):
        if not take(count):
            raise Spent
        await loop.sock_sendall(target, memoryview(buffer)[:count])
        if count == len(buffer) < LARGEST:
            buffer = bytearray(2 * len(buffer))
    target.shutdown(socket.SHUT_WR)
