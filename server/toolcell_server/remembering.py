"""
What outlives the server of its executions: starts, so that no call with a `request_id` runs twice,
and endings, so that they can be asked for and replayed.

Theory of operation.  Everything happens in the turn of the event loop in which it is asked for,
without a thread.  A start is committed before the task that runs the execution is made; the ending
of a call with a `request_id` is committed in the turn in which it happened, and so before anybody
can be told of it.  Endings of other calls wait until the answer has left, and share a transaction.

A database that fails:
* a start is refused (`STORE_FAILED`), and so is a call whose `request_id` cannot be looked up;
* the ending of a call with a `request_id` is tried again with every later one, and from time to
  time.  If the server dies first, that call is told "outcome unknown" from then on, which is true
  enough and safe;
* the ending of another call is dropped.  It is in memory, as without a database.
Each failure is counted, the first is logged, and so is the recovery.

Whatever ended longer ago than `keep_seconds` is not told any more, and is removed in passing; above
a count or a size the oldest endings go.  What runs is never removed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from toolcell_server import database, entries, interrupted
from toolcell_server.refusals import RequestIdReused, StoreFailed
from toolcell_server.store_health import StoreHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from toolcell_server.bygone import Bygone
    from toolcell_server.entries import Entry
    from toolcell_server.idempotency import Scope
    from toolcell_server.ledger import Ledger
    from toolcell_server.listing import Narrowing
    from toolcell_server.record import Record
    from toolcell_server.settings.records import RecordsSettings

OPERATIONS: Final = ("begin", "end", "read", "forget")
TIDY_SECONDS: Final = 10.0  # arbitrary; what is too old is not told, only still there
MAXIMUM_WAITING: Final = 1000  # endings, while the database fails; their records are in memory
_AT_ONCE: Final = 64  # rows that are removed in one go
_HIGHEST: Final = 2**63 - 1  # of SQLite
_NANOSECONDS: Final = 10**9

_CONSEQUENCE: Final = "calls with a request_id are refused, endings are not kept"

_log = logging.getLogger(__name__)


class Remembering:
    """
    Keeps starts and endings in a ledger.  Lives on one event loop.  `failed` is told the operation,
    one of `OPERATIONS`, whenever the database fails.  `clock` gives nanoseconds since 1970.
    """

    def __init__(
        self,
        ledger: Ledger,
        bounds: RecordsSettings,
        keep_seconds: float,
        failed: Callable[[str], object],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._ledger = ledger
        self._bounds = bounds
        self._keep = round(keep_seconds * _NANOSECONDS)
        self._health = StoreHealth(failed, _CONSEQUENCE)
        self._clock = clock
        self._waiting: list[Record] = []
        self._will_write = False
        self._closed = False
        self._tidy: asyncio.TimerHandle | None = None

    @property
    def last_number(self) -> int:
        """
        The highest of a record of before.
        """
        return self._ledger.last_number

    def recover(self) -> list[Bygone]:
        """
        Give every execution that the last server did not end its ending, and return them.  Called
        once, before anything runs.

        Raises:
            database.StoreFailed: that cannot be written.
        """
        now = self._clock()
        ended = [interrupted.ended(entry, now) for entry in self._ledger.unfinished()]
        self._ledger.end(ended)
        for entry in ended:
            _log.error("execution finished", extra={"fields": _fields(entry)})
        return [entry.bygone() for entry in ended]

    def begin(self, record: Record, fingerprint: bytes, *, repeatable: bool) -> None:
        """
        Write down that a call with a `request_id` is going to run.

        Raises:
            StoreFailed: that is not written; it must not run.
        """
        try:
            begun = self._ledger.begin(entries.begun(record, fingerprint, repeatable=repeatable))
        except database.StoreFailed as exc:
            raise self._refusal("begin", exc, "write down that the call runs") from exc
        self._health.works("begin")
        if not begun:  # it ended, and was forgotten in memory, while this one was being admitted
            raise StoreFailed("begin this call: the one with its request_id has no ending yet")

    def end(self, record: Record) -> None:
        """
        Write down an ending.
        """
        self._waiting.append(record)
        if record.request_id:
            self._write()
        elif not self._will_write:
            # In the turn of the loop after the one in which the caller's answer leaves.
            self._will_write = True
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._write)

    def find(self, scope: Scope, fingerprint: bytes) -> Bygone | None:
        """
        The execution that a call with this `request_id` replays, if it is known from here alone.

        Raises:
            RequestIdReused: the id belongs to a call that asked for something else.
            StoreFailed: nobody can tell.
        """
        try:
            entry = self._ledger.by_request(scope)
            if entry is not None and not self._is_told(entry):
                self._ledger.remove(entry.number)
                entry = None
        except database.StoreFailed as exc:
            raise self._refusal("read", exc, "look the request_id up") from exc
        self._health.works("read")
        if entry is None:
            return None
        if entry.fingerprint != fingerprint:
            raise RequestIdReused(scope.request_id)
        return entry.bygone()

    def get(self, execution_id: str) -> Bygone | None:
        """
        Raises:
            StoreFailed: nobody can tell.
        """
        try:
            entry = self._ledger.by_id(execution_id)
        except database.StoreFailed as exc:
            raise self._refusal("read", exc, "look the execution up") from exc
        return entry.bygone() if entry is not None and self._is_told(entry) else None

    def newest_first(self, narrowing: Narrowing, without: Container[int]) -> Iterator[Bygone]:
        """
        Those that are asked for, but for the numbers of `without`, one after the other.

        Raises:
            StoreFailed: nobody can tell.
        """
        before, since = int(min(narrowing.before, _HIGHEST)), self._clock() - self._keep
        of = narrowing.tool, narrowing.principal
        try:
            for entry in self._ledger.newest_first(before, since, *of, without):
                yield entry.bygone()
        except database.StoreFailed as exc:
            raise self._refusal("read", exc, "list executions") from exc

    def close(self) -> None:
        """
        Write what waits; the last call.
        """
        self._write()
        self._closed = True
        if self._tidy:
            self._tidy.cancel()

    def _is_told(self, entry: Entry) -> bool:
        return entry.ended is not None and entry.ended >= self._clock() - self._keep

    def _write(self) -> None:
        self._will_write = False
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        now, largest = self._clock(), self._bounds.result_bytes
        try:
            self._ledger.end([entries.ended(record, now, largest) for record in waiting])
        except database.StoreFailed as exc:
            again = [record for record in waiting if record.request_id]
            self._waiting = again[:MAXIMUM_WAITING]
            self._health.fails("end", exc)
        else:
            self._health.works("end")
        self._tidy_up()

    def _tidy_up(self) -> None:
        """
        Remove some of what is too much, the rest a turn of the loop later; of what is too old, from
        time to time.
        """
        loop = asyncio.get_running_loop()
        if self._is_too_much() and self._forget(max(1, min(_AT_ONCE, self._ledger.count // 16))):
            loop.call_soon(self._tidy_up)
        if self._tidy is None:
            self._tidy = loop.call_later(TIDY_SECONDS, self._wake)

    def _is_too_much(self) -> bool:
        ledger, bounds = self._ledger, self._bounds
        too_many = ledger.count > bounds.maximum_count
        return not self._closed and (too_many or ledger.size > bounds.maximum_bytes)

    def _wake(self) -> None:
        self._write()
        removed = self._forget(_AT_ONCE, self._clock() - self._keep)
        delay = 0.0 if removed == _AT_ONCE else TIDY_SECONDS
        self._tidy = asyncio.get_running_loop().call_later(delay, self._wake)

    def _forget(self, maximum: int, ended_before: int | None = None) -> int:
        try:
            removed = self._ledger.forget(maximum, ended_before)
        except database.StoreFailed as exc:
            self._health.fails("forget", exc)
            return 0
        self._health.works("forget")
        return removed

    def _refusal(self, operation: str, error: Exception, purpose: str) -> StoreFailed:
        self._health.fails(operation, error)
        return StoreFailed(purpose)


def _fields(entry: Entry) -> dict[str, str | None]:
    return {
        "execution_id": entry.execution_id,
        "request_id": entry.request_id,
        "principal": entry.principal,
        "tool": entry.tool,
        "outcome": "lost",
        "outcome_message": interrupted.MESSAGE,
    }
