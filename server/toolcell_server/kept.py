"""
Executions that have ended, kept for a while: for `Watch`, `GetExecution` and replays.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.record import Record

# Arbitrary; on a busy server memory, not time, decides how long an ending is kept.
MAXIMUM_COUNT: Final = 10_000
MAXIMUM_BYTES: Final = 256 * 2**20


class Kept:
    """
    Keeps ended records for `seconds`, fewer if there are too many or they are too large, and calls
    `forget` with each one that goes.  The oldest ending goes first.
    """

    def __init__(
        self,
        seconds: float,
        forget: Callable[[Record], object],
        *,
        maximum_count: int = MAXIMUM_COUNT,
        maximum_bytes: int = MAXIMUM_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._forget = forget
        self._maximum_count = maximum_count
        self._maximum_bytes = maximum_bytes
        self._clock = clock
        self._records: deque[tuple[float, Record]] = deque()  # when it goes; in order
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: Record) -> None:
        self._records.append((self._clock() + self._seconds, record))
        self._bytes += record.kept_bytes
        self.purge()

    def purge(self) -> None:
        """
        Forget what is too old or too much.
        """
        while self._records and self._is_due():
            _, record = self._records.popleft()
            self._bytes -= record.kept_bytes
            self._forget(record)
        if self._records and self._timer is None:
            delay = max(0.0, self._records[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _is_due(self) -> bool:
        return (
            self._records[0][0] <= self._clock()
            or len(self._records) > self._maximum_count
            or self._bytes > self._maximum_bytes
        )

    def _wake(self) -> None:
        self._timer = None
        self.purge()
