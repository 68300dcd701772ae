"""
Looks at the host now and then, and keeps the limit that it bears.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final

from toolcell_server.concurrency import Concurrency
from toolcell_server.forecast import Typical

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.concurrency import Load

LOOK_SECONDS: Final = 0.1  # arbitrary; between two looks at the host
YOUNG_SECONDS: Final = 1.0  # arbitrary; until an execution has taken most of its memory


class Bearing:
    """
    `now` is a reading of one monotonic clock, in seconds.
    """

    def __init__(self, maximum: int, load: Callable[[], Load | None], now: float) -> None:
        self._concurrency = Concurrency(maximum, len(os.sched_getaffinity(0)))
        self._load = load
        self._memory = Typical()
        self._begins: deque[float] = deque(maxlen=maximum)
        self._looked = now

    @property
    def limit(self) -> int:
        return self._concurrency.limit

    @property
    def lasting(self) -> float:
        return self._concurrency.lasting

    def begin(self, now: float) -> None:
        """
        An execution begins.
        """
        self._begins.append(now)

    def used(self, memory_bytes: int) -> None:
        """
        One has ended, and took so much at its peak.
        """
        self._memory.add(memory_bytes)

    def look(self, running: int, now: float) -> None:
        """
        Look, unless that was lately.
        """
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        while self._begins and self._begins[0] < now - YOUNG_SECONDS:
            self._begins.popleft()
        if load := self._load():
            self._concurrency.look(load, running, len(self._begins), self._memory.high)
