"""
Output of a tool: read at the pace of whoever reads it, bounded, never silently cut.

Theory of operation.  A pump reads one pipe whenever its events are taken; when nobody takes them
it stops reading, the pipe fills and the tool blocks.  Up to three quarters of the limit are passed
on as they come; of what follows the last quarter of the limit is kept and comes at the end, with
the count of what was left out between.  Beyond the limit the pipe is still drained, so that a
chatty tool is not blocked for ever; at 16 times the limit the tool is ended.
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


async def pump(
    descriptor: int,
    stream: pb.OutputStream.ValueType,
    keeping: Keeping,
    put: Callable[[pb.ExecuteResponse], Awaitable[None]],
    on_flood: Callable[[], None],
) -> None:
    """
    Pass a pipe on as events until its writers are gone.
    """
    while (data := await _read(descriptor)) is not None:
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


async def _read(descriptor: int) -> bytes | None:
    """
    The next bytes, or nothing at the end.
    """
    while True:
        try:
            return os.read(descriptor, READ_BYTES) or None
        except BlockingIOError:
            await _readable(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        loop.remove_reader(descriptor)
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
