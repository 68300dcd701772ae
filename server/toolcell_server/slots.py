"""
Slots: small numbers that running cells have to themselves.  The identity of a cell follows from
its slot, so that no two cells that run at one time are the same user.
"""

from __future__ import annotations

import heapq


class Slots:
    """
    Hands out the smallest free number, so that few identities (and few idmapped mounts) are used.
    """

    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int:
        """
        A number that nobody has.
        """
        if self._free:
            return heapq.heappop(self._free)
        self._next += 1
        return self._next - 1

    def give_back(self, slot: int) -> None:
        """
        The cell is dead; its number may be another's.
        """
        heapq.heappush(self._free, slot)
