"""
Watches all cells, in a thread of its own.

Theory of operation.  A thread, because whoever keeps the loop busy for a while, a tool with its
frames for one, must not be the one who is not looked at meanwhile; and because a look at hundreds
of threads takes milliseconds that others would wait for.  It lives as long as there are cells, and
a little longer, because a call would wait for it to be started: an idle service looks at nothing.
It ends a cell itself and does not ask the loop to.

Between two ticks a cell can overshoot by what can be touched in 20 ms: this wall is degraded.  Who
grows so fast that he may be beyond his limit by the next tick is looked at sooner, he alone.

A closer look takes longer, all the more so while the cell keeps the processors busy; so the cell is
stopped from when the patrol is unsure until that look has ended, and takes nothing meanwhile.  The
wall clock, a cancellation and a look that takes too long kill it where it stands; whatever happens,
who has looked lets it go on.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from toolcell_server.pausing import paused
from toolcell_server.watch import UNSURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.watch import Watch

TICK_SECONDS = 0.02  # arbitrary; see above
SHORTEST_SECONDS = 0.002  # arbitrary; between two looks at one that fills up
LINGER_SECONDS = 1.0  # arbitrary; after the last cell
LOOKERS = 4  # arbitrary; close looks at one time

_log = logging.getLogger(__name__)


class Watchdog:
    """
    Looks at every watched cell once a tick, while there are any.
    """

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()  # of the set, and of whether there is a thread
        self._thread: threading.Thread | None = None
        self._last = 0.0  # when there last was a cell; of the monotonic clock
        # Threads of their own: a tool can keep one busy, and others wait for theirs elsewhere.
        self._lookers = concurrent.futures.ThreadPoolExecutor(LOOKERS, "watchdog")

    @contextlib.contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """
        Watch a cell for as long as the context lasts; afterwards it is touched no more.
        """
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._patrol, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield watch
        finally:
            with watch.lock:
                watch.over = True
            with self._lock:
                self._watches.discard(watch)
                self._last = time.monotonic()

    def _patrol(self) -> None:
        growing: list[Watch] = []
        while True:
            # First a tick: most calls are over before it.
            self._pass_a_tick(growing)
            with self._lock:
                watches = list(self._watches)
                if not watches and time.monotonic() - self._last > LINGER_SECONDS:
                    self._thread = None
                    return
            for watch in watches:
                self._look(watch)
            growing = [watch for watch in watches if watch.full_in_seconds < TICK_SECONDS]

    def _pass_a_tick(self, growing: list[Watch]) -> None:
        """
        Wait for the next tick, and look sooner at those that may be full by then.
        """
        end = time.monotonic() + TICK_SECONDS
        while (left := end - time.monotonic()) > 0:
            soonest = min((watch.full_in_seconds for watch in growing), default=left)
            time.sleep(min(left, max(soonest, SHORTEST_SECONDS)))
            if time.monotonic() < end:
                for watch in growing:
                    self._look(watch)

    def _look(self, watch: Watch) -> None:
        with watch.lock:
            if not watch.over and (limit := self._limit_exceeded(watch)):
                watch.exceeded(limit)

    def _limit_exceeded(self, watch: Watch) -> str:
        try:
            limit = watch.glance()
            return self._ask(watch) if limit == UNSURE else limit
        except Exception:  # noqa: BLE001  # what cannot be looked at is not left to itself
            _log.exception("a cell could not be looked at, and is ended")
            return "memory"

    def _ask(self, watch: Watch) -> str:
        """
        Stop a cell and have it looked at closely, unless it is already; the limit that it exceeds
        by making that take too long.
        """
        if watch.asked:
            return "memory" if watch.looked_too_long() else ""
        stopped = contextlib.ExitStack()
        try:
            stopped.enter_context(paused(*watch.pids))
            self._lookers.submit(self._look_closely, watch, stopped)
        except BaseException:
            stopped.close()
            raise
        watch.asked = True  # whoever looks needs our lock before it says that it has
        return ""

    def _look_closely(self, watch: Watch, stopped: contextlib.ExitStack) -> None:
        """
        The kernel may take a tenth of a second to add up what many processes share.  Other limits
        are looked at meanwhile, and one who makes it take longer has exceeded this.
        """
        with stopped:  # until it is ended, if it is
            try:
                precisely = watch.look_closely()
            except Exception:  # noqa: BLE001  # as above
                _log.exception("a cell could not be looked at closely, and is ended")
                precisely = None
            with watch.lock:
                watch.asked, watch.looking = False, None
                if not watch.over and (limit := watch.judge_memory(precisely)):
                    watch.exceeded(limit)
