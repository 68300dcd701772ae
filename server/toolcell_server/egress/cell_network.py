"""
The listeners of one cell, from when they are handed over to its end.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.answering import Answering, answer_over_tcp
from toolcell_server.egress.relaying import Relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.outside import Outside

    Handle = Callable[[socket.socket], Awaitable[None]]

AT_ONCE: Final = 256  # arbitrary; connections of one cell at one time, denied ones included
PAUSE_SECONDS: Final = 0.1  # arbitrary; when there are no descriptors left
_BY_RESET: Final = struct.pack("ii", 1, 0)  # struct linger


class CellNetwork:
    """
    Answers and relays for one cell until it is closed.  `sockets` are names over UDP, names over
    TCP, then a listener for each of `ports`.
    """

    def __init__(
        self,
        cell: Attached,
        outside: Outside,
        sockets: Sequence[socket.socket],
        ports: Sequence[int],
    ) -> None:
        self.cell = cell
        self._outside = outside
        self._connections: set[asyncio.Task[None]] = set()
        names, names_over_tcp, *listeners = sockets
        self._answering = Answering(names, cell)
        self._listeners = [names_over_tcp, *listeners]
        handles: list[Handle] = [self._answer, *(self._relay_to(port) for port in ports)]
        self._accepting = [
            asyncio.create_task(self._accept(listener, handle))
            for listener, handle in zip(self._listeners, handles, strict=True)
        ]

    async def aclose(self) -> None:
        """
        End every connection, and listen no more.
        """
        self._answering.close()
        tasks = [*self._accepting, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()

    async def _accept(self, listener: socket.socket, handle: Handle) -> None:
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        while True:
            await asyncio.sleep(0)  # whoever connects all the time keeps nobody else waiting
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if len(self._connections) >= AT_ONCE:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
                connection.close()
                continue
            self._begin(connection, handle)

    def _begin(self, connection: socket.socket, handle: Handle) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            connection.close()  # here, as a task that is cancelled before its turn never begins

        task = asyncio.create_task(_handled(connection, handle))
        self._connections.add(task)
        task.add_done_callback(ended)

    async def _answer(self, connection: socket.socket) -> None:
        await answer_over_tcp(connection, self.cell)

    def _relay_to(self, port: int) -> Handle:
        async def relay(connection: socket.socket) -> None:
            await Relay(self.cell, self._outside, connection, port).run()

        return relay


async def _handled(connection: socket.socket, handle: Handle) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await handle(connection)
