"""
Progress as MCP wants it: always greater than before, and not too often.  Pure.

Theory of operation.  A tool says how far it is as a fraction, or only what it is doing, or nothing,
and then the server's heartbeat says that it still runs.  Until there is a fraction nobody knows a
total, so none is told, and each word counts for a thousandth.  From the first fraction on the total
is 1; a tool that goes back is held where it was, plus next to nothing.  A tool may tell a few
things at once, and then as many in a second as anybody reads; the rest is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

A_SECOND = 10.0  # arbitrary; nobody reads faster
AT_ONCE = 10.0  # arbitrary
STEP = 0.001  # a sign of life where nobody knows how much there is to do
HELD_STEP = 1e-6  # the same where somebody does: too little to be seen


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
        self._last = -math.inf
        self._known = False
        self._may = AT_ONCE
        self._seconds: float | None = None

    def at(self, seconds: float, fraction: float | None, message: str = "") -> Told | None:
        """
        What to tell at a time of a monotonic clock; None: nothing now.
        """
        if fraction is not None and math.isfinite(fraction):
            self._known = True
        else:
            fraction = None
        progress = self._greater(fraction)
        self._refill(seconds)
        if self._may < 1 or progress <= self._last:
            return None
        self._may -= 1
        self._last = progress
        return Told(progress, 1.0 if self._known else None, message)

    def _refill(self, seconds: float) -> None:
        passed = 0.0 if self._seconds is None else seconds - self._seconds
        self._may = min(AT_ONCE, self._may + passed * A_SECOND)
        self._seconds = seconds

    def _greater(self, fraction: float | None) -> float:
        if fraction is not None and fraction > self._last:
            return min(max(fraction, 0.0), 1.0)
        reached = max(self._last, 0.0)
        return min(reached + HELD_STEP, 1.0) if self._known else reached + STEP
