"""
How many cells to keep warm: as many as are called for while one is made, and some more.  Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MEMORY_SECONDS: Final = 5.0  # arbitrary; calls of so long ago count a third (1/e)
IDLE_SECONDS: Final = 30.0  # arbitrary; the memory of a cell that nobody calls is worth more
MARGIN: Final = 2.0  # arbitrary; calls come in bursts
MAKING_SECONDS: Final = 0.005  # the first estimate; then it is measured
FEWEST, MOST = 2, 16  # arbitrary; of one kind: one for a call, one for a call right after it


@dataclass(slots=True)
class Demand:
    """
    Of one kind of cell.  Times in seconds of a steady clock.
    """

    making: float = MAKING_SECONDS
    rate: float = 0.0  # calls a second, at the time of the last
    last: float = -math.inf

    def call(self, now: float) -> None:
        """
        Somebody called for one.
        """
        self.rate = self.rate * math.exp((self.last - now) / MEMORY_SECONDS) + 1 / MEMORY_SECONDS
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
        rate = self.rate * math.exp((self.last - now) / MEMORY_SECONDS)
        return max(FEWEST, min(MOST, math.ceil(rate * self.making * MARGIN)))
