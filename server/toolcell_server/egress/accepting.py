"""
Accepts the connections of one cell, from when its listeners are handed over to its end.

A connection has two descriptors, one on either side.  All cells together leave a quarter of what
this process may open: if there is none left for the listeners of the next cell, the channel to the
server is broken, and every cell is cut off.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import TYPE_CHECKING, ClassVar, Final

from toolcell_server.egress.parting import close_by_reset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Handle = Callable[[socket.socket], Awaitable[None]]

AT_ONCE: Final = 256  # arbitrary; connections of one cell at one time, denied ones included
PAUSE_SECONDS: Final = 0.1  # arbitrary; when there are no descriptors left


class Accepting:
    """
    Handles what connects to each listener until it is closed.
    """

    _of_all_cells: ClassVar[set[asyncio.Task[None]]] = set()

    def __init__(self, listeners: Sequence[tuple[socket.socket, Handle]]) -> None:
        self._connections: set[asyncio.Task[None]] = set()
        self._listeners = [listener for listener, _ in listeners]
        self._accepting = [
            asyncio.create_task(self._accept(listener, handle)) for listener, handle in listeners
        ]

    async def aclose(self) -> None:
        """
        End every connection, and listen no more.
        """
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
            if len(self._connections) >= AT_ONCE or len(self._of_all_cells) >= _room():
                close_by_reset(connection)
                continue
            self._begin(connection, handle)

    def _begin(self, connection: socket.socket, handle: Handle) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            self._of_all_cells.discard(task)
            connection.close()  # here, as a task that is cancelled before its turn never begins

        task = asyncio.create_task(_handled(connection, handle))
        self._connections.add(task)
        self._of_all_cells.add(task)
        task.add_done_callback(ended)


def _room() -> int:
    """
    How many connections there may be, of all cells.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return descriptors * 3 // 8


async def _handled(connection: socket.socket, handle: Handle) -> None:
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await handle(connection)
