"""
Events on their way from one cell to the one who takes them.

Theory of operation.  Whatever reads the cell puts its events here and never waits: it asks first
whether there is room, and stops reading when there is none, so that pipe and socket fill and the
tool waits.  One event may still come beyond the bound, and so may the few that nobody can hold back
(`started`, denials); each of these is bounded elsewhere.  When half of it has been taken, `room` is
called: once for many events, in a turn of the loop of its own, so that a consumer that never waits
and a tool that always has more do not keep the loop between them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell.v1 import execution_pb2 as pb

# Arbitrary; what one execution may have read and nobody has taken.
MAXIMUM_EVENTS: Final = 64
MAXIMUM_BYTES: Final = 2**20


class Outbox:
    """
    Events of one cell.  `room` is called when there is some again.
    """

    def __init__(self, room: Callable[[], None]) -> None:
        self._room = room
        self._events: deque[tuple[pb.ExecuteResponse, int]] = deque()
        self._bytes = 0
        self._was_full = False
        self._ended = False
        self._error: BaseException | None = None
        self._waiting: asyncio.Future[None] | None = None

    def is_full(self) -> bool:
        """
        Whether nothing more should be read.  Who is told so is called back.
        """
        if self._bytes < MAXIMUM_BYTES and len(self._events) < MAXIMUM_EVENTS:
            return False
        self._was_full = True
        return True

    def put(self, event: pb.ExecuteResponse, size: int = 0) -> None:
        """
        An event that holds some `size` bytes.
        """
        self._events.append((event, size))
        self._bytes += size
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """
        There will be no more, or none that can be told for an error of ours; the first one stands.
        """
        self._ended = True
        self._error = self._error or error
        self._wake()

    async def get(self) -> pb.ExecuteResponse | None:
        """
        The next event; nothing at the end.  One waiter at a time.

        Raises:
            BaseException: the error with which it ended.
        """
        while not self._events and not self._ended:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._error is not None:
            raise self._error
        return self.take()

    def take(self) -> pb.ExecuteResponse | None:
        """
        The next event, if one is here.
        """
        if not self._events:
            return None
        event, size = self._events.popleft()
        self._bytes -= size
        if self._was_full and self._is_half_empty():
            self._was_full = False
            asyncio.get_running_loop().call_soon(self._room)
        return event

    def _is_half_empty(self) -> bool:
        return self._bytes <= MAXIMUM_BYTES // 2 and len(self._events) <= MAXIMUM_EVENTS // 2

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
