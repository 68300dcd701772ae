"""
Calls many callbacks every so often, with one timer for all of them.

Theory of operation.  A timer for each of a thousand executions costs the loop's heap for each that
comes and goes, and wakes it a thousand times.  Here a turn is cut into parts; who is added waits in
the part that has just passed, and is called at most a part late.  So the work of one moment is that
of one part, never of all.  Nobody there: no timer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: Final = 16  # arbitrary; how finely the moments are spread


class Ticker:
    """
    Calls each callback every `seconds`, until it is discarded.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._parts: list[dict[Callable[[], None], None]] = [{} for _ in range(PARTS)]
        self._part_of: dict[Callable[[], None], int] = {}
        self._now = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, callback: Callable[[], None]) -> None:
        self._part_of[callback] = self._now
        self._parts[self._now][callback] = None
        if self._timer is None:
            self._arm()

    def discard(self, callback: Callable[[], None]) -> None:
        part = self._part_of.pop(callback, None)
        if part is not None:
            del self._parts[part][callback]

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / PARTS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._part_of:
            return
        self._arm()
        self._now = (self._now + 1) % PARTS
        for callback in list(self._parts[self._now]):
            if callback in self._part_of:  # not discarded by one before it
                callback()
