"""
Progress as MCP wants it: always greater than before, and not too often.  Pure.

Theory of operation.  A tool says how far it is as a fraction, or only what it is doing, or nothing,
and then the server's heartbeat says that it still runs.  Until there is a fraction nobody knows a
total, so none is told, and each word counts for a thousandth.  From the first fraction on the total
is 1; a tool that goes back is held where it was, plus next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SECONDS_BETWEEN = 0.1  # arbitrary; nobody reads faster
STEP = 0.001
HELD_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Told:
    """
    One notification.
    """

    progress: float
    total: float | None
    message: str


class Pace:
    """
    The progress of one call.
    """

    def __init__(self) -> None:
        self._last = 0.0
        self._known = False
        self._next_seconds = -math.inf

    def at(self, seconds: float, fraction: float | None, message: str = "") -> Told | None:
        """
        What to tell at a time of a monotonic clock; None: nothing now.
        """
        if fraction is not None and math.isfinite(fraction):
            self._known = True
        else:
            fraction = None
        progress = self._greater(fraction)
        if seconds < self._next_seconds or progress <= self._last:
            return None
        self._last = progress
        self._next_seconds = seconds + SECONDS_BETWEEN
        return Told(progress, 1.0 if self._known else None, message)

    def _greater(self, fraction: float | None) -> float:
        if fraction is not None and fraction > self._last:
            return min(fraction, 1.0)
        if self._known:
            return min(self._last + HELD_STEP, 1.0)
        return self._last + STEP
