"""
By when those that wait were promised to begin.  Pure: the clock is passed in.

Theory of operation.  A share that comes later takes turns from those before it, who were accepted
when there were more for them.  Usually their time allows for that; where it does not, the promise
goes before the share: whoever could not wait for one more turn is next, earliest first.  A share
gains no more by it than what it was promised, because its next calls are measured by fewer turns.
"""

from __future__ import annotations

import heapq


class Promises:
    """
    Latest beginnings by execution id.
    """

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []  # some of them have left

    def add(self, execution_id: str, latest: float) -> None:
        self._latest[execution_id] = latest
        heapq.heappush(self._heap, (latest, execution_id))

    def remove(self, execution_id: str) -> None:
        self._latest.pop(execution_id, None)
        if len(self._heap) > 2 * len(self._latest) + 8:  # arbitrary; the heap stays in proportion
            self._heap = [(latest, each) for each, latest in self._latest.items()]
            heapq.heapify(self._heap)

    def endangered(self, until: float) -> str | None:
        """
        Who must begin first, if it must until then.
        """
        while self._heap and self._latest.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if self._heap and self._heap[0][0] <= until:
            return self._heap[0][1]
        return None
