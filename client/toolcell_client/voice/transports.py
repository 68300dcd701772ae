"""
Connections that a voice session can be served over.

Theory of operation.  A session needs events one by one and a way to send one.  Three things give
that: a connection of the `openai` package (`client.realtime.connect()`), a WebSocket that speaks
text, and a pair of callables, for whoever has the connection elsewhere.  None is imported.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

Receive = Callable[[], Awaitable[Any]]  # an event; None at the end
Post = Callable[[dict[str, Any]], Awaitable[Any]]


class Transport(Protocol):
    """
    Iterates events of the provider until the connection ends.
    """

    def __aiter__(self) -> AsyncIterator[Any]: ...

    async def send(self, event: dict[str, Any]) -> None: ...


class Callables:
    """
    Two callables: one that waits for an event, one that sends.
    """

    def __init__(self, receive: Receive, send: Post) -> None:
        self._receive, self._send = receive, send

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (event := await self._receive()) is not None:
            yield event

    async def send(self, event: dict[str, Any]) -> None:
        await self._send(event)


class Socket:
    """
    A WebSocket whose messages are JSON texts.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for message in self._socket:
            try:
                yield json.loads(message)
            except (ValueError, RecursionError):
                yield {"type": "error", "error": {"type": "no_json", "message": "no JSON came"}}

    async def send(self, event: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(event))


def transport_of(connection: Any) -> Transport:
    """
    Raises:
        TypeError: it is no connection; says what would be.
    """
    if isinstance(connection, tuple) and len(connection) == 2 and all(map(callable, connection)):
        return Callables(*connection)
    if hasattr(connection, "parse_event") and hasattr(connection, "__aiter__"):
        found: Transport = connection
        return found
    if hasattr(connection, "__aiter__") and hasattr(connection, "send"):
        known = isinstance(connection, Callables | Socket)
        return connection if known else Socket(connection)
    raise TypeError(
        f"{type(connection).__name__} is no connection: give that of client.realtime.connect(),"
        " a WebSocket, or (receive, send), two asynchronous callables"
    )
