"""
By when those that wait were promised to begin.  Pure: the clock is passed in.

Theory of operation.  A share that comes later takes turns from those before it, who were accepted
when there were more for them.  Usually their time allows for that; where it does not, the promises
go before the shares: if one of them would be broken by one more turn for somebody else, the
earliest is next.  A share gains no more by it than what it was promised, because its next calls are
measured by fewer turns.

The earliest `CONSIDERED` are looked at, so that a turn costs no more in a long queue.
"""

from __future__ import annotations

import bisect
from typing import Final

CONSIDERED: Final = 256  # arbitrary; about ten microseconds


class Promises:
    """
    Latest beginnings by execution id.
    """

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}
        self._sorted: list[tuple[float, str]] = []

    def add(self, execution_id: str, latest: float) -> None:
        self._latest[execution_id] = latest
        bisect.insort(self._sorted, (latest, execution_id))

    def remove(self, execution_id: str) -> None:
        """
        It does nothing where nothing was promised.
        """
        if (latest := self._latest.pop(execution_id, None)) is None:
            return
        del self._sorted[bisect.bisect_left(self._sorted, (latest, execution_id))]

    def endangered(self, now: float, turn_seconds: float) -> str | None:
        """
        Who must begin now, because one more turn for another would make somebody late.
        """
        for turns, (latest, _) in enumerate(self._sorted[:CONSIDERED], 1):
            if latest < now + turns * turn_seconds:
                return self._sorted[0][1]
        return None
