"""
How long executions keep their places, as far as the past tells.  Pure: the clock is passed in.

Theory of operation.  Of each tool, and of all together, a moving mean of the time in a place and of
its deviation are kept, as TCP keeps those of a round trip (RFC 6298).  A queue in front of `limit`
places moves on once in `mean / limit` seconds.  The past knows nothing of a tool that has begun to
hang: so what runs now counts at least with its mean age.  Where nothing is known yet, no wait is
foreseen, and nobody is refused for a guess.

It is an estimate and refuses, never ends: what was accepted on a wrong one keeps its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RECENT: Final = 1 / 8  # RFC 6298: what the newest weighs in the mean
STRAYING: Final = 1 / 4  # and in the deviation
GUESSED_SECONDS: Final = 1.0  # arbitrary; until one execution has ended
MAXIMUM_TOOLS: Final = 4096  # arbitrary; a tool beyond is taken for the mean of all


@dataclass(slots=True)
class Typical:
    """
    A moving mean, and how far from it values are.  Without any value both are 0.
    """

    mean: float = 0.0
    deviation: float = 0.0
    known: bool = False

    def add(self, value: float) -> None:
        if not self.known:
            self.mean, self.deviation, self.known = value, value / 2, True
            return
        self.deviation += STRAYING * (abs(value - self.mean) - self.deviation)
        self.mean += RECENT * (value - self.mean)

    @property
    def high(self) -> float:
        """
        What most stay below.
        """
        return self.mean + 2 * self.deviation


class Forecast:
    """
    Times in seconds; `now` is a reading of one monotonic clock.
    """

    def __init__(self) -> None:
        self._all = Typical()
        self._tools: dict[str, Typical] = {}
        self._began: dict[str, float] = {}
        self._sum_of_begins = 0.0

    def begin(self, execution_id: str, now: float) -> None:
        self._began[execution_id] = now
        self._sum_of_begins += now

    def forget(self, execution_id: str) -> float | None:
        """
        When it began; nothing is learnt from it.
        """
        began = self._began.pop(execution_id, None)
        if began is not None:
            self._sum_of_begins = self._sum_of_begins - began if self._began else 0.0
        return began

    def end(self, execution_id: str, tool: str, now: float) -> None:
        began = self.forget(execution_id)
        if began is None:
            return
        self._all.add(now - began)
        if tool in self._tools or len(self._tools) < MAXIMUM_TOOLS:
            self._tools.setdefault(tool, Typical()).add(now - began)

    def run_seconds(self, tool: str) -> float:
        """
        How long most executions of that tool keep their place.
        """
        return self._tools.get(tool, self._all).high

    def wait_seconds(
        self, ahead: int, limit: float, now: float, *, guessed: float = GUESSED_SECONDS
    ) -> float:
        """
        How long one waits for its turn when so many come before.
        """
        count = len(self._began)
        age = now - self._sum_of_begins / count if count else 0.0
        usual = self._all.mean + self._all.deviation if self._all.known else guessed
        keeps = max(usual, age)
        return (ahead + 1) * keeps / limit
