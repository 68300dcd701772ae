"""
How much a host may say of one call that nobody has taken yet.  Pure.

Theory of operation.  What a host said is held until somebody takes it, then owed, and no longer
counted once the host is told so: later than here it counts itself, so that one that obeys never
meets the end of the window.
"""

from __future__ import annotations

from dataclasses import dataclass

FRAME_BYTES = 64  # what an event takes beside its size, as the contract says


@dataclass(slots=True)
class Credit:
    """
    Of `window` bytes.
    """

    window: int
    _held: int = 0
    _owed: int = 0

    def take(self, cost: int) -> bool:
        """
        Whether the host might say something; then it is counted, and may be beyond the end once.
        """
        if self._held + self._owed >= self.window:
            return False
        self._held += cost
        return True

    def give_back(self, cost: int) -> int:
        """
        It was taken.  Returns what the host is to be told of now; 0: nothing, because little.
        """
        self._held -= cost
        self._owed += cost
        if self._owed < self.window // 2:
            return 0
        told, self._owed = self._owed, 0
        return told
