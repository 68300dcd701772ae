"""
Slots: small numbers that running cells have to themselves.  The identity of a cell follows from
its slot, so that no two cells that run at one time are the same user.

Nor are two that run one after the other: whatever a cell left behind, should another wall ever let
it, belongs to a user that nobody is for the next few calls.
"""

from __future__ import annotations

from collections import deque
from typing import Final

RESTING: Final = 8  # arbitrary; each identity that is used costs the keeper idmapped mounts


class Slots:
    """
    Hands out the number that has been free for longest, once a few are resting.
    """

    def __init__(self) -> None:
        self._free: deque[int] = deque()
        self._next = 0

    def take(self) -> int:
        """
        A number that nobody has.
        """
        if len(self._free) > RESTING:
            return self._free.popleft()
        self._next += 1
        return self._next - 1

    def give_back(self, slot: int) -> None:
        """
        The cell is dead; its number may, later, be another's.
        """
        self._free.append(slot)
