"""
How many cells to keep warm: as many as would have been missing lately, and some more.  Pure.

Theory of operation.  Each call takes a cell, and another takes its place once it is forked (that
takes its zygote's time; its walls it builds by itself).  So the backlog of calls grows by one with
each, and shrinks by one in the time that a cell takes to be forked; its height is how many would
have to be there for nobody to wait.  Calls that come evenly need few however many they are, and a
burst needs one for each of its calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MEMORY_SECONDS: Final = 10.0  # arbitrary; a burst of so long ago counts a third (1/e)
IDLE_SECONDS: Final = 30.0  # arbitrary; the memory of a cell that nobody calls is worth more
SPARE: Final = 1  # arbitrary; beyond what was needed lately
MAKING_SECONDS: Final = 0.005  # the first estimate; then it is measured
FEWEST, MOST = 2, 16  # arbitrary; of one kind: one for a call, one for a call right after it


@dataclass(slots=True)
class Demand:
    """
    Of one kind of cell.  Times in seconds of a steady clock.
    """

    making: float = MAKING_SECONDS
    backlog: float = 0.0  # at the time of the last call
    highest: float = 0.0  # of late
    last: float = -math.inf

    def call(self, now: float) -> None:
        """
        Somebody called for one.
        """
        passed = now - self.last
        self.backlog = max(0.0, self.backlog - passed / self.making) + 1 if self.making else 1.0
        self.backlog = min(self.backlog, MOST)
        self.highest = max(self.highest * math.exp(-passed / MEMORY_SECONDS), self.backlog)
        self.last = now

    def made(self, seconds: float) -> None:
        """
        One was made, and it took so long.
        """
        self.making += (seconds - self.making) / 8  # arbitrary; as TCP smooths round trips

    def wanted(self, now: float, idle_seconds: float = IDLE_SECONDS) -> int:
        """
        How many should be warm; none once nobody has called for so long.
        """
        if now - self.last > idle_seconds:
            return 0
        highest = self.highest * math.exp((self.last - now) / MEMORY_SECONDS)
        return max(FEWEST, min(MOST, math.ceil(highest) + SPARE))
