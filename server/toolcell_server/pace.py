"""
A pace: some at once, then so many a second.  Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """
    `burst` are free when nothing was taken for a while; they come back at `per_second`.
    """

    burst: int
    per_second: float
    _left: float = 0.0
    _last: float = -math.inf

    def take(self, now: float, count: int = 1) -> float:
        """
        Take some, at a time of a steady clock.

        Returns:
            Seconds to wait before the next; 0 while there are some left.
        """
        regained = (now - self._last) * self.per_second
        self._left = min(float(self.burst), self._left + regained) - count
        self._last = now
        return max(0.0, (1 - self._left) / self.per_second)
