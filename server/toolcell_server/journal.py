"""
The events of one execution: kept, numbered, and followed by any number of readers.

Theory of operation.  One producer appends; each event is stamped and serialized once, and all
readers are handed the same bytes (`ExecuteResponse` and `WatchResponse` are identical on the
wire).  A reader holds nothing but a position, so a slow one costs no memory and delays nobody.

Memory is bounded twice.  Beyond `capacity_bytes` the oldest events are dropped, and a reader that
needed them is told so (`EventsExpired`), never served with a gap.  And while somebody reads, the
producer is held back (`room`) as soon as even the *fastest* reader is half the capacity behind:
then the tool's pipe fills and the tool itself waits.  The fastest, because a stalled watcher must
not stop the others; half, because the reader that the producer waits for must never be outrun.
Nobody reading, or `release` called, means nobody is waited for.  Whoever was held back goes on when
half of that is read, not at the next event: thousands of small ones would wake it for each.

The ending (chunks of the result, then `finished`) is never dropped and does not count: its size is
bounded by the result limit, and it is what a caller who comes late has come for.

Tried and dropped: a queue per reader (a copy of the backlog each, and a policy for a full one).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from toolcell_server.bell import Bell
from toolcell_server.refusals import EventsExpired

if TYPE_CHECKING:
    from types import TracebackType

    from toolcell.v1 import execution_pb2 as pb

ENTRY_BYTES: Final = 256  # what keeping one event costs beside its bytes, on CPython 3.11
_ENDING: Final = frozenset({"result_chunk", "finished"})
_NANOSECONDS: Final = 10**9


class JournalEnded(Exception):  # noqa: N818  # names what happened
    """
    Raised when an event is appended after `finished`.
    """


class Journal:
    """
    The events of one execution, from `earliest` to `last` (sequence numbers; 0: none yet).
    """

    def __init__(self, execution_id: str, call_id: str, capacity_bytes: int) -> None:
        self.execution_id = execution_id
        self.call_id = call_id
        self.capacity_bytes = capacity_bytes
        self.window_bytes = capacity_bytes // 2
        self.earliest = 0
        self.last = 0
        self.ending = 0  # the first event of the ending
        self.kept_bytes = 0  # of the events that may be dropped
        self.ending_bytes = 0  # of those that may not
        self.finished = False
        self.grown = Bell()
        self._read = Bell()
        self._entries: dict[int, _Entry] = {}
        self._written = 0
        self._readers: set[Reader] = set()
        self._released = False

    def append(self, event: pb.ExecuteResponse) -> None:
        """
        Stamp the event and keep it.  Never waits; a producer that can wait awaits `room` after.
        The ending is appended at one go: nothing comes between a `result_chunk` and `finished`.

        Raises:
            JournalEnded: `finished` has been appended.
        """
        if self.finished:
            raise JournalEnded(self.execution_id)
        kind = event.WhichOneof("event")
        self._keep(self._stamp(event), ending=kind in _ENDING)
        self.finished = kind == "finished"
        self.grown.ring()

    def get(self, sequence: int) -> bytes:
        """
        One event, serialized.

        Raises:
            EventsExpired: it is no longer kept.
        """
        if sequence < self.earliest:
            raise EventsExpired(self.execution_id, self.earliest)
        return self._entries[sequence].data

    def reader(self, after_sequence: int = 0) -> Reader:
        """
        Follow the events with a greater sequence, to the end.  Counts as a reader once entered.
        """
        return Reader(self, after_sequence)

    async def room(self) -> None:
        """
        Wait while every reader is far behind: until one has half of that to read.
        """
        if self.is_full():
            while self._all_behind(self.window_bytes // 2):
                await self._read.wait()

    def is_full(self) -> bool:
        return self._all_behind(self.window_bytes)

    def release(self) -> None:
        """
        Hold the producer back no more, whatever the readers do.
        """
        self._released = True
        self._read.ring()

    def entered(self, reader: Reader) -> None:
        self._readers.add(reader)

    def advanced(self) -> None:
        if not self._all_behind(self.window_bytes // 2):
            self._read.ring()

    def left(self, reader: Reader) -> None:
        self._readers.discard(reader)
        self._read.ring()

    def _all_behind(self, unread_bytes: int) -> bool:
        if self._released or not self._readers:
            return False
        return all(self._unread_bytes(reader) > unread_bytes for reader in self._readers)

    def _stamp(self, event: pb.ExecuteResponse) -> bytes:
        event.sequence = self.last + 1
        event.time.seconds, event.time.nanos = divmod(time.time_ns(), _NANOSECONDS)
        event.execution_id = self.execution_id
        event.call_id = self.call_id
        return event.SerializeToString()

    def _keep(self, data: bytes, *, ending: bool) -> None:
        self.last += 1
        self.earliest = self.earliest or 1
        self._entries[self.last] = _Entry(self._written, data)
        cost = len(data) + ENTRY_BYTES
        self._written += cost
        if ending:
            self.ending = self.ending or self.last
            self.ending_bytes += cost
            return
        self.kept_bytes += cost
        while self.kept_bytes > self.capacity_bytes and self.earliest < self.last:
            self.kept_bytes -= len(self._entries.pop(self.earliest).data) + ENTRY_BYTES
            self.earliest += 1

    def _unread_bytes(self, reader: Reader) -> float:
        if reader.sequence >= self.last:
            return 0
        first = self._entries.get(reader.sequence + 1)
        return self._written - first.start if first else math.inf


class Reader:
    """
    One reader's position.  A context manager: while entered it can hold the producer back.
    """

    def __init__(self, journal: Journal, after_sequence: int) -> None:
        self.journal = journal
        self.sequence = after_sequence  # of the last event taken

    @property
    def at_end(self) -> bool:
        """
        Whether the event taken last is the ending.
        """
        return self.journal.finished and self.sequence == self.journal.last

    def __enter__(self) -> Self:
        """
        Raises:
            EventsExpired: the first event asked for is no longer kept.
        """
        if self.sequence < self.journal.last:
            self.journal.get(self.sequence + 1)
        self.journal.entered(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.journal.left(self)

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> bytes:
        """
        The next event, serialized.

        Raises:
            EventsExpired: it was dropped before this reader came for it.
        """
        journal = self.journal
        while self.sequence >= journal.last:
            if journal.finished:
                raise StopAsyncIteration
            await journal.grown.wait()
        data = journal.get(self.sequence + 1)
        self.sequence += 1
        journal.advanced()
        return data


class _Entry(NamedTuple):
    start: int  # cost of all events before it
    data: bytes
