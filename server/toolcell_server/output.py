"""
Output of a tool: read at the pace of whoever reads it, bounded, never silently cut.

Theory of operation.  A pump reads one pipe whenever its events are taken; when nobody takes them
it stops reading, the pipe fills and the tool blocks.  Up to three quarters of the limit are passed
on as they come; of what follows the last quarter of the limit is kept and comes at the end, with
the count of what was left out between.  Beyond the limit the pipe is still drained, so that a
chatty tool is not blocked for ever; at 16 times the limit the tool is ended.

From the moment a tool is killed until it is dead nothing is read (`Reader.hold`): nobody is waited
for any more then, and a tool that dies late would write past everybody who reads its events.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

READ_BYTES = 64 * 1024  # what a pipe holds by default (pipe(7))
COALESCE_SECONDS = 0.004  # arbitrary; many small writes become one event, nobody sees the delay
KILL_FACTOR = 16


class Keeping:
    """
    Decides what of a stream is passed on; pure.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.head = limit - limit // 4
        self.total = 0
        self._tail = bytearray()
        self._passed = 0

    @property
    def truncated(self) -> bool:
        return self.total > self._passed + len(self._tail)

    @property
    def flooding(self) -> bool:
        return self.total > self.limit * KILL_FACTOR

    def take(self, data: bytes) -> bytes:
        """
        What to pass on now.
        """
        self.total += len(data)
        now = data[: max(0, self.head - self._passed)]
        self._passed += len(now)
        self._tail += data[len(now) :]
        del self._tail[: max(0, len(self._tail) - (self.limit - self.head))]
        return now

    def rest(self) -> tuple[int, bytes]:
        """
        At the end: how many bytes were left out, and the kept tail.
        """
        return self.total - self._passed - len(self._tail), bytes(self._tail)


class Reader:
    """
    Reads a pipe: to its end, or until what is there is read once its writers are known to be dead.
    Whoever holds a writing end, and be it on its way to us in a message, cannot delay that.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = False
        self._finished = asyncio.Event()
        self._waiting: asyncio.Future[None] | None = None

    async def read(self) -> bytes | None:
        """
        The next bytes, or nothing at the end.
        """
        while True:
            if self._held:
                await self._finished.wait()
            try:
                return os.read(self._descriptor, READ_BYTES) or None
            except BlockingIOError:
                if self._finished.is_set():
                    return None
                await self._readable()

    def hold(self) -> None:
        """
        The writers are being killed: leave in the pipe what they write until `finish`.  Callable
        in any thread; a read that is on its way still ends.
        """
        self._held = True

    def finish(self) -> None:
        """
        Every writer is dead.
        """
        self._finished.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        loop.add_reader(self._descriptor, self._wake)
        try:
            await self._waiting
        finally:
            loop.remove_reader(self._descriptor)
            self._waiting = None


async def pump(
    reader: Reader,
    stream: pb.OutputStream.ValueType,
    keeping: Keeping,
    put: Callable[[pb.ExecuteResponse], Awaitable[None]],
    on_flood: Callable[[], None],
) -> None:
    """
    Pass a pipe on as events until its writers are gone.
    """
    while (data := await reader.read()) is not None:
        now = keeping.take(data)
        if now:
            await put(pb.ExecuteResponse(output=pb.Output(stream=stream, data=now)))
        if keeping.flooding:
            on_flood()
        if len(data) < READ_BYTES:
            await asyncio.sleep(COALESCE_SECONDS)
    skipped, tail = keeping.rest()
    # In pieces: a quarter of a large limit is more than a client, or the journal, takes at once.
    for start in range(0, len(tail), READ_BYTES):
        piece = tail[start : start + READ_BYTES]
        last = pb.Output(stream=stream, data=piece, skipped_bytes=0 if start else skipped)
        await put(pb.ExecuteResponse(output=last))
