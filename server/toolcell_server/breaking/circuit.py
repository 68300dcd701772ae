"""
One circuit breaker: closed, open after failures, half open after a while.  Pure: the clock is
passed in.

Theory of operation.  Closed, it counts failures of the last `window_seconds`; a success takes the
oldest one back, so that a busy tool with a failure now and then stays closed, and one that fails
more often than not opens.  Open, it lets nobody through for `open_seconds`.  Then `half_open` calls
are let through at a time: one that succeeds closes it, one that fails opens it again, and one that
says neither (it was cancelled, its arguments were wrong) makes room for the next.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

TOGETHER_SECONDS: Final = 1.0  # arbitrary; within it all hear that their zygote died
PROBED_SECONDS: Final = 1.0  # arbitrary; how long those wait who come while it is being tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    When it opens and for how long, in seconds.
    """

    failures: int = 5
    window_seconds: float = 30.0
    open_seconds: float = 10.0
    half_open: int = 1


class Circuit:
    """
    `most_of_one` is how many failures of one principal count at most.
    """

    def __init__(self, rules: Rules, most_of_one: int) -> None:
        self._rules = rules
        self._most_of_one = most_of_one
        self._failures: deque[tuple[float, str]] = deque()
        self._open_until: float | None = None
        self._trying = 0

    @property
    def is_open(self) -> bool:
        """
        Whether it has opened, and no call has succeeded since.
        """
        return self._open_until is not None

    @property
    def is_clean(self) -> bool:
        """
        Whether it is as a new one is.
        """
        return not (self.is_open or self._failures or self._trying)

    def wait_seconds(self, now: float) -> float:
        """
        How long to stay away; 0.0: it lets through.
        """
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        return 0.0 if self._trying < self._rules.half_open else PROBED_SECONDS

    def enter(self) -> bool:
        """
        Go through; true if that tries it, and whoever does must `leave`.
        """
        self._trying += self.is_open
        return self.is_open

    def leave(self) -> None:
        self._trying -= 1

    def failed(self, principal: str, now: float, *, together: bool = False) -> None:
        """
        Count a failure; one that is `together` with others counts once for all of a moment.
        """
        if together and self._failures and now - self._failures[-1][0] < TOGETHER_SECONDS:
            return
        if self._open_until is not None:
            if now >= self._open_until:
                self._open_until = now + self._rules.open_seconds
            return  # else it had begun before
        self._failures.append((now, principal))
        while self._failures[0][0] <= now - self._rules.window_seconds:
            self._failures.popleft()
        counts = Counter(principal for _, principal in self._failures)
        while counts[principal] > self._most_of_one:  # what no longer counts is not kept
            self._failures.remove(next(each for each in self._failures if each[1] == principal))
            counts[principal] -= 1
        if len(self._failures) >= self._rules.failures:
            self._failures.clear()
            self._open_until = now + self._rules.open_seconds

    def succeeded(self, now: float) -> None:
        if self._open_until is None:
            if self._failures:
                self._failures.popleft()
        elif now >= self._open_until:
            self._open_until = None
