"""
What happened in the last seconds: a moving window that never forgets too early.  Pure.

Theory of operation.  An exact moving window keeps a time for each call, 80 kB for a principal who
may make ten thousand a day.  A fixed window keeps one number and lets twice as many through around
its end.  This one keeps a time for each of the first 32 entries; beyond that, what falls into one
32nd of the window shares an entry, which counts until the *last* of it is old enough.  So it is
exact for up to 32 calls, and for more a call may count a 32nd longer than it should (two seconds
of a minute, 45 minutes of a day), but never shorter: there are never more than the limit in any
window, wherever it begins.  At most 65 entries of 16 bytes.

An entry of time t counts while t <= now < t + seconds.
"""

from __future__ import annotations

from array import array
from typing import Final, Self

ENTRIES: Final = 32


class MovingWindow:
    """
    Amounts with their times.  Times in seconds, never falling; amounts are positive and whole.
    """

    __slots__ = ("_entries", "_total", "seconds")

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._entries = array("d")  # time, amount, time, amount, …
        self._total = 0

    @classmethod
    def restored(cls, seconds: int, data: bytes, now: float) -> Self:
        """
        What `dumped` gave.  A clock that was set back since must not make entries outlast a window.

        Raises:
            ValueError: it is not what `dumped` gives.
        """
        window = cls(seconds)
        entries = array("d")
        entries.frombytes(data)
        if len(entries) % 2:
            raise ValueError("an entry is a time and an amount")
        for at, amount in zip(entries[::2], entries[1::2], strict=True):
            window._entries.extend((min(at, now), amount))
            window._total += int(amount)
        return window

    def dumped(self) -> bytes:
        return self._entries.tobytes()

    def used(self, now: float) -> int:
        """
        How much counts now.
        """
        entries, gone = self._entries, 0
        while gone < len(entries) and entries[gone] + self.seconds <= now:
            self._total -= int(entries[gone + 1])
            gone += 2
        if gone:
            del entries[:gone]
        return self._total

    def oldest(self, now: float) -> float:
        """
        The time of the first entry that counts; now, if none does.
        """
        return self._entries[0] if self.used(now) else now

    def add(self, now: float, amount: int) -> None:
        self.used(now)
        entries = self._entries
        self._total += amount
        if len(entries) >= 2 * ENTRIES and self._segment(entries[-2]) == self._segment(now):
            entries[-2] = now
            entries[-1] += amount
        else:
            entries.extend((now, amount))

    def give_back(self, at: float, now: float) -> None:
        """
        Take away one of what was added at that time.  If it no longer counts, nothing happens.
        """
        self.used(now)
        for place in range(0, len(self._entries), 2):
            if self._entries[place] >= at and at + self.seconds > now:
                self._total -= 1
                self._entries[place + 1] -= 1
                if not self._entries[place + 1]:
                    del self._entries[place : place + 2]
                return

    def seconds_until(self, now: float, limit: int) -> float:
        """
        How long until one more stays within the limit, if nothing else is added; 0.0: it does now.
        """
        excess = self.used(now) + 1 - limit
        at = now - self.seconds
        for place in range(0, len(self._entries), 2):
            if excess <= 0:
                break
            at = self._entries[place]
            excess -= int(self._entries[place + 1])
        return max(at + self.seconds - now, 0.0)

    def _segment(self, at: float) -> int:
        return int(at * ENTRIES // self.seconds)
