"""
Output of a tool: read at the pace of whoever reads it, bounded, never silently cut.

Theory of operation.  A pump reads one pipe whenever its events are taken; when nobody takes them
it stops reading, the pipe fills and the tool blocks.  Up to three quarters of the limit are passed
on as they come; of what follows the last quarter of the limit (of a large one, the last 8 MiB) is
kept and comes at the end, with the count of what was left out between.  Beyond the limit the pipe
is still drained, so that a chatty tool is not blocked for ever; at 16 times the limit the tool is
ended.

From the moment a tool is killed until it is dead nothing is read (`Pump.hold`): nobody is waited
for any more then, and a tool that dies late would write past everybody who reads its events.

A tool that fills its pipe gets a larger one: each piece costs a message, some 100 µs in gRPC, and
with 64 KiB in each a stream reaches half of what it does with a MiB.  Not from the start: a
thousand silent tools would use up what the kernel allows a user (pipe(7), pipe-user-pages-soft);
where it refuses, the pipe stays as it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from asyncio import get_running_loop
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.hold import Hold
    from toolcell_server.outbox import Outbox

READ_BYTES = 64 * 1024  # what a pipe holds by default (pipe(7))
PIECE_BYTES = 2**20  # arbitrary; a client of default settings receives messages of 4 MiB
MAXIMUM_TAIL_BYTES = 8 * 2**20  # arbitrary; it is kept in memory
COALESCE_SECONDS = 0.004  # arbitrary; many small writes become one event, nobody sees the delay
KILL_FACTOR = 16


class Keeping:
    """
    Decides what of a stream is passed on; pure.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.head = limit - min(limit // 4, MAXIMUM_TAIL_BYTES)
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
        room = self.head - self._passed
        if len(data) <= room:  # a slice of all of it would be the same object
            self._passed += len(data)
            return data
        now = data[: max(0, room)]
        self._passed += len(now)
        self._tail += data[len(now) :]
        del self._tail[: max(0, len(self._tail) - (self.limit - self.head))]
        return now

    def rest(self) -> tuple[int, bytes]:
        """
        At the end: how many bytes were left out, and the kept tail.
        """
        return self.total - self._passed - len(self._tail), bytes(self._tail)


class Pump(Source):
    """
    Passes a pipe on as events: to its end, or until what is there is read once its writers are
    known to be dead.  Whoever holds a writing end, and be it on its way to us in a message, cannot
    delay that.  `on_flood` is called as long as there is far too much.
    """

    def __init__(
        self,
        descriptor: int,
        stream: pb.OutputStream.ValueType,
        limit: int,
        events: Outbox,
        *,
        on_flood: Callable[[], None],
        ended_now: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        super().__init__(events, ended_now, failed)
        self.keeping = Keeping(limit)
        self._descriptor = descriptor
        self._stream = stream
        self._on_flood = on_flood
        self._started = False
        self._held = False
        self._watched = False
        self._size = READ_BYTES
        self._tail: tuple[int, bytes] | None = (
            None  # when the pipe has ended: how much was left out
        )
        self._told = 0  # of the tail

    def start(self) -> None:
        """
        Begin to read; before, nothing is.
        """
        if not self._started:
            self._started = True
            self.resume()

    def hold(self) -> None:
        """
        The writers are being killed: leave in the pipe what they write until `finish`.  Callable
        in any thread; a read that is on its way still ends.
        """
        self._held = True

    def _pull(self) -> None:
        waits = self._held and not self._finished
        if not self._started or waits or self._events.is_full():
            self._unwatch()  # whoever it is that we wait for calls `resume` or `finish`
        elif self._tail is not None:
            self._tell_tail(*self._tail)
        else:
            self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, self._size)
        except BlockingIOError:
            if self._finished:
                self._tell_tail(*self.keeping.rest())
            else:
                self._watch()
            return
        if not data:
            self._tell_tail(*self.keeping.rest())
            return
        self._pass_on(data)
        if self._finished:
            self._pause()
        elif len(data) < READ_BYTES:
            self._pause(COALESCE_SECONDS)
        else:
            self._grow(len(data))
            self._watch()

    def _pass_on(self, data: bytes) -> None:
        keeping = self.keeping
        if now := keeping.take(data):
            self._tell(pb.Output(stream=self._stream, data=now), len(now))
        if keeping.flooding:
            self._on_flood()

    def _grow(self, read: int) -> None:
        """
        Let the tool write more at once, if it would have.
        """
        if read == self._size < PIECE_BYTES:
            self._size = PIECE_BYTES
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIECE_BYTES)

    def _tell_tail(self, skipped: int, tail: bytes) -> None:
        """
        In pieces: a quarter of a large limit is more than a client, or the journal, takes at once.
        """
        self._unwatch()
        self._tail = skipped, tail
        while self._told < len(tail):
            if self._events.is_full():
                return
            piece = tail[self._told : self._told + READ_BYTES]
            first = not self._told
            last = pb.Output(stream=self._stream, data=piece, skipped_bytes=skipped if first else 0)
            self._told += len(piece)
            self._tell(last, len(piece))
        self._end()

    def _tell(self, output: pb.Output, size: int) -> None:
        self._events.put(pb.ExecuteResponse(output=output), size)

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            get_running_loop().add_reader(self._descriptor, self.pull)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            get_running_loop().remove_reader(self._descriptor)


def pumps(
    hold: Hold,
    limit: int,
    events: Outbox,
    *,
    on_flood: Callable[[], None],
    ended_now: Callable[[], None],
    failed: Callable[[BaseException], None],
) -> tuple[Pump, Pump]:
    """
    Of both outputs of a cell.
    """

    def pump(descriptor: int, stream: pb.OutputStream.ValueType) -> Pump:
        told = {"on_flood": on_flood, "ended_now": ended_now}
        return Pump(descriptor, stream, limit, events, **told, failed=failed)

    stdout = pump(hold.stdout, pb.OUTPUT_STREAM_STDOUT)
    return stdout, pump(hold.stderr, pb.OUTPUT_STREAM_STDERR)
