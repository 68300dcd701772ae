"""
What outlives the server of its executions: starts, so that no call with a `request_id` runs twice,
and endings, so that they can be asked for and replayed.

Theory of operation.  Everything happens in a turn of the event loop, without a thread.  A start is
durable before the task that runs the execution is made; the ending of a call with a `request_id`
in the turn in which it happened, and so before anybody can be told of it.  Endings of other calls
wait until the answer has left, and are written together.  The database takes them over a little
later, when nobody waits for it.

A file or a database that fails:
* a start is refused (`STORE_FAILED`), and so is a call whose `request_id` cannot be looked up;
* the ending of a call with a `request_id` is tried again with every later one, and from time to
  time.  If the server dies first, that call is told "outcome unknown" from then on, which is true
  enough and safe;
* the ending of another call is dropped.  It is in memory, as without a database.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from toolcell_server import database
from toolcell_server.records import entries
from toolcell_server.records.retention import Retention
from toolcell_server.records.store_health import StoreHealth
from toolcell_server.refusals import RequestIdReused, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from toolcell_server.idempotency import Scope
    from toolcell_server.listing import Narrowing
    from toolcell_server.record import Record
    from toolcell_server.records.bygone import Bygone
    from toolcell_server.records.entries import Entry
    from toolcell_server.records.ledger import Ledger
    from toolcell_server.settings.records import RecordsSettings

OPERATIONS: Final = ("begin", "end", "read", "forget", "take_over")
MAXIMUM_WAITING: Final = 1000  # endings, while the database fails; their records are in memory
TAKE_OVER_SECONDS: Final = 0.1  # arbitrary; the later, the more share a transaction
AGAIN_SECONDS: Final = 5.0  # arbitrary; a database that failed seldom works again at once
_CONSEQUENCE: Final = "calls with a request_id are refused, endings are not kept"
_HIGHEST: Final = 2**63 - 1  # of SQLite


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
        self._result_bytes = bounds.result_bytes
        self._clock = clock
        self._health = StoreHealth(failed, _CONSEQUENCE)
        self.retention = Retention(ledger, bounds, keep_seconds, self._health, clock)
        self._waiting: list[Record] = []
        self._will_write = False
        self._again: asyncio.TimerHandle | None = None
        self._taking_over: asyncio.TimerHandle | None = None

    @property
    def last_number(self) -> int:
        """
        The highest of a record of before.
        """
        return self._ledger.last_number

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
        self._take_over_soon()
        if not begun:
            # It was forgotten in memory while this one was being admitted, or never ended on file.
            raise StoreFailed("begin this call: another one has its request_id")

    def end(self, record: Record) -> None:
        """
        Write down an ending.
        """
        self._waiting.append(record)
        if record.request_id:
            self.write()
        elif not self._will_write:
            # In the turn of the loop after the one in which the caller's answer leaves.
            self._will_write = True
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self.write)

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
        before, since = int(min(narrowing.before, _HIGHEST)), self.retention.since
        of = narrowing.tool, narrowing.principal
        try:
            for entry in self._ledger.newest_first(before, since, *of, without):
                yield entry.bygone()
        except database.StoreFailed as exc:
            raise self._refusal("read", exc, "list executions") from exc

    def write(self) -> None:
        """
        Write what waits.
        """
        self._will_write = False
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        now = self._clock()
        try:
            self._ledger.end([entries.ended(record, now, self._result_bytes) for record in waiting])
        except database.StoreFailed as exc:
            self._health.fails("end", exc)
            again = [record for record in waiting if record.request_id]
            self._waiting = again[:MAXIMUM_WAITING]
            self._write_again()
        else:
            self._health.works("end")
            self._take_over_soon()
            self.retention.tidy()

    def close(self) -> None:
        """
        Write what waits; the last call.
        """
        self.write()
        self.retention.close()
        for timer in (self._again, self._taking_over):
            if timer:
                timer.cancel()
        self._take_over()

    def _take_over_soon(self) -> None:
        if self._taking_over is None:
            loop = asyncio.get_running_loop()
            self._taking_over = loop.call_later(TAKE_OVER_SECONDS, self._take_over)

    def _take_over(self) -> None:
        self._taking_over = None
        try:
            self._ledger.take_over()
        except database.StoreFailed as exc:
            self._health.fails("take_over", exc)
        else:
            self._health.works("take_over")

    def _write_again(self) -> None:
        if self._waiting and self._again is None:
            self._again = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._wake)

    def _wake(self) -> None:
        self._again = None
        self.write()

    def _is_told(self, entry: Entry) -> bool:
        return entry.ended is not None and entry.ended >= self.retention.since

    def _refusal(self, operation: str, error: Exception, purpose: str) -> StoreFailed:
        self._health.fails(operation, error)
        return StoreFailed(purpose)
