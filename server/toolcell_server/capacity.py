"""
How many executions run at once, and how many may wait for their turn.

Theory of operation.  Admission *reserves* a place for an execution, or refuses at once: a queue
without a bound only moves the refusal to where nobody expects it.  Whoever runs the execution then
waits for its *turn*.  The place is given back when the execution is closed, exactly once, whatever
happened in between; with it goes the turn.

A reservation is a promise, and is never broken: nobody is displaced, and a limit that falls ends
nothing.  So what could not be kept must be refused before.  A call that has to wait is refused

* when the queue has no room for its share (`shares.py`, which also says whose turn is next, unless
  somebody's promise is in danger: `promises.py`);
* when it would wait longer than `queue_seconds`, by what is known of the past (`forecast.py`), and
  by the limit that lasts: one that has just fallen may rise as soon;
* when by its deadline it could not have waited and run as long as its tool typically does.

A call that need not wait is refused for none of these: what it makes of its time is its own affair.
The delay that a refusal names is when what waits now will have had its turn.

How many run at once follows the host (`concurrency.py`).  It is looked at when a place is taken or
given back, and from time to time while somebody waits, who might wait for nothing else.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Final

from toolcell_server import host_load
from toolcell_server.bearing import LOOK_SECONDS, Bearing
from toolcell_server.forecast import GUESSED_SECONDS, Forecast
from toolcell_server.promises import Promises
from toolcell_server.refusals import NoCapacity
from toolcell_server.shares import GREED, Shares
from toolcell_server.wanted import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.concurrency import Load
    from toolcell_server.wanted import Wanted

SHORTEST_RETRY_SECONDS: Final = 0.05  # arbitrary; sooner, a refusal costs more than it spares
LONGEST_RETRY_SECONDS: Final = 60.0  # arbitrary; what is known now is worth nothing then
OVERLOAD_SECONDS: Final = 1.0  # arbitrary; so long after a refusal the next may come unasked


class Capacity:
    """
    Counts places.  Used within one event loop.  Times in seconds; `clock` is monotonic.

    Raises:
        ValueError: fewer than one may run, or fewer than none may wait.
    """

    def __init__(
        self,
        running: int,
        queue: int,
        queue_seconds: float = math.inf,
        *,
        clock: Callable[[], float] = time.monotonic,
        load: Callable[[], Load | None] = host_load.read,
        refused: Callable[[str], None] = lambda _cause: None,
    ) -> None:
        if running < 1:
            raise ValueError(f"at least one execution must be able to run, not {running}")
        if queue < 0:
            raise ValueError(f"at least 0 executions must be able to wait, not {queue}")
        self.maximum_running = running
        self.maximum_waiting = queue
        self._queue_seconds = queue_seconds
        self._clock, self._refused = clock, refused
        self._shares = Shares(queue)
        self._promises = Promises()
        self._forecast = Forecast()
        self._bearing = Bearing(running, load, clock())
        self._wanted: dict[str, Wanted] = {}
        self._called: dict[str, asyncio.Event] = {}  # of those that wait
        self._last_refusal = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> int:
        return self._shares.running

    @property
    def waiting(self) -> int:
        return self._shares.waiting

    @property
    def limit(self) -> int:
        """
        How many may run at once for now.
        """
        return self._bearing.limit

    def check(self, wanted: Wanted) -> None:
        """
        Under overload, refuse now what `reserve` would refuse now; take nothing.

        Raises:
            NoCapacity: as there.
        """
        self._look()
        if not self._is_free() and self._clock() - self._last_refusal < OVERLOAD_SECONDS:
            self._check_wait(wanted)

    def reserve(self, execution_id: str, wanted: Wanted = ANYTHING) -> None:
        """
        Reserve a place, and the turn with it if a place is free now.

        Raises:
            NoCapacity: everything runs that may run, and this one cannot wait.
        """
        assert execution_id not in self._shares, "an execution has one place"
        self._look()
        if self._is_free():
            self._shares.run(wanted.share, execution_id)
            self._begin(execution_id)
        else:
            latest = self._check_wait(wanted)
            self._shares.wait(wanted.share, execution_id)
            if latest < math.inf:
                self._promises.add(execution_id, latest)
            self._called[execution_id] = asyncio.Event()
        self._wanted[execution_id] = wanted

    def waits(self, execution_id: str) -> bool:
        """
        Whether the turn of an execution is still to come.
        """
        return self._shares.waits(execution_id)

    async def turn(self, execution_id: str) -> None:
        """
        Wait until a reserved execution may run.  It returns at once for one whose turn has come,
        and for one that has no place, because nobody will ever call it.
        """
        if called := self._called.get(execution_id):
            self._look_later()
            await called.wait()

    def used(self, memory_bytes: int) -> None:
        """
        How much memory an execution took at its peak.
        """
        self._bearing.used(memory_bytes)

    def unused(self, execution_id: str) -> None:
        """
        How long this one keeps its place says nothing of others: it does not run.
        """
        self._forecast.forget(execution_id)

    def release(self, execution_id: str) -> None:
        """
        Give a place back.  It does nothing where there is none.
        """
        ran = not self.waits(execution_id)
        if not self._shares.leave(execution_id):
            return
        wanted = self._wanted.pop(execution_id)
        if ran:
            self._forecast.end(execution_id, wanted.tool, self._clock())
        else:
            self._promises.remove(execution_id)
            self._called.pop(execution_id).set()
        self._look()

    def _is_free(self) -> bool:
        return self.running < self.limit and not self.waiting

    def _check_wait(self, wanted: Wanted) -> float:
        """
        When at the latest one has to begin that waits; infinity: that is not said.

        Raises:
            NoCapacity: it cannot wait, or not for long enough.
        """
        now = self._clock()
        if not self._shares.has_room(wanted.share):
            raise self._refusal("queue", now)
        if self._wait(wanted, self._bearing.lasting, now, guessed=0.0) > self._queue_seconds:
            raise self._refusal("queue_seconds", now)
        if wanted.deadline is None:
            return math.inf
        latest = wanted.deadline - self._forecast.run_seconds(wanted.tool)
        if now + self._wait(wanted, self.limit, now) > latest:
            raise self._refusal("deadline", now)
        return latest

    def _wait(
        self, wanted: Wanted, limit: float, now: float, guessed: float = GUESSED_SECONDS
    ) -> float:
        """
        How long one more call of a share would wait.
        """
        ahead = self._shares.ahead(wanted.share)
        seconds = self._forecast.wait_seconds(ahead, limit, now, guessed=guessed)
        # Of time, too, a share leaves some to the next.
        return seconds * (1 + 1 / GREED) if self._shares.waiting_of(wanted.share) else seconds

    def _refusal(self, cause: str, now: float) -> NoCapacity:
        self._refused(cause)
        self._last_refusal = now
        drained = self._forecast.wait_seconds(self.waiting, self.limit, now)
        delay = min(max(drained, SHORTEST_RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        return NoCapacity(round(delay, 3), cause)

    def _begin(self, execution_id: str) -> None:
        now = self._clock()
        self._forecast.begin(execution_id, now)
        self._bearing.begin(now)

    def _call(self) -> None:
        while self.waiting and self.running < self.limit:
            first = self._first()
            self._shares.start(first)
            self._promises.remove(first)
            self._begin(first)
            self._called.pop(first).set()

    def _first(self) -> str:
        now = self._clock()
        turn_seconds = self._forecast.wait_seconds(0, self.limit, now)
        return self._promises.endangered(now, turn_seconds) or self._shares.next()

    def _look(self) -> None:
        self._bearing.look(self.running, self._clock())
        self._call()

    def _look_later(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._look()
        if self.waiting:
            self._look_later()
