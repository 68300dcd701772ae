"""
The body of a request, read before anything is made of it.

Theory of operation.  A client that sends its body a byte at a time, or half of one and no more,
holds what was read of it for as long as it likes.  So a body has a time to be there; after that the
request is refused.  A client that leaves meanwhile has asked for nothing, and nothing is logged.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Message, Receive

MAXIMUM_BODY_BYTES = 4 * 2**20  # arbitrary; four times the default limit of arguments
BODY_SECONDS = 30.0  # arbitrary; 4 MiB at a megabit per second


async def body_of(receive: Receive, seconds: float = BODY_SECONDS) -> bytes | Response | None:
    """
    The whole body; or how the request is refused; None: the client has left.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > MAXIMUM_BODY_BYTES:
                    return Response("Request body too large", 413, {"Connection": "close"})
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return Response("Request body too slow", 408, {"Connection": "close"})


def replayed(body: bytes, receive: Receive) -> Receive:
    """
    What gives a body that was read, and then what comes after it.
    """
    told = [body]

    async def again() -> Message:
        if told:
            return {"type": "http.request", "body": told.pop(), "more_body": False}
        return await receive()

    return again
