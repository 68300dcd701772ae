"""
Watches all cells, in a thread of its own.

Theory of operation.  A thread, because whoever keeps the loop busy for a while, a tool with its
frames for one, must not be the one who is not looked at meanwhile; and because a look at hundreds
of threads takes milliseconds that others would wait for.  It lives as long as there is a cell: an
idle service looks at nothing.  It ends a cell itself and does not ask the loop to.

Between two ticks a cell can overshoot by what can be touched in 20 ms: this wall is degraded.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from toolcell_server.watch import UNSURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.watch import Watch

TICK_SECONDS = 0.02  # arbitrary; see above
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

    def _patrol(self) -> None:
        while True:
            # First a tick: most calls are over before it.
            time.sleep(TICK_SECONDS)
            with self._lock:
                watches = list(self._watches)
                if not watches:
                    self._thread = None
                    return
            for watch in watches:
                with watch.lock:
                    if not watch.over:
                        self._look(watch)

    def _look(self, watch: Watch) -> None:
        try:
            limit = watch.glance()
        except Exception:  # noqa: BLE001  # what cannot be looked at is not left to itself
            _log.exception("a cell could not be looked at, and is ended")
            limit = "memory"
        if limit == UNSURE:
            if not watch.asked:
                watch.asked = True
                self._lookers.submit(self._look_closely, watch)
            elif watch.looked_too_long():
                watch.exceeded("memory")
        elif limit:
            watch.exceeded(limit)

    def _look_closely(self, watch: Watch) -> None:
        """
        The kernel may take a tenth of a second to add up what many processes share.  Other limits
        are looked at meanwhile, and one who makes it take longer has exceeded this.
        """
        try:
            precisely = watch.look_closely()
        finally:
            watch.asked, watch.looking = False, None
        with watch.lock:
            if not watch.over and (limit := watch.judge_memory(precisely)):
                watch.exceeded(limit)
