"""
How long everything is measured.  Pure: no input, no output.
"""

from __future__ import annotations

from dataclasses import dataclass

FULL_SECONDS = 660.0  # at this length the sustained rows take the 60 s that their aims name
SHORTEST = 0.3  # a round with fewer calls says nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A run of about `seconds` seconds; everything is scaled alike.
    """

    seconds: float = FULL_SECONDS

    @property
    def scale(self) -> float:
        return self.seconds / FULL_SECONDS

    def lasting(self, seconds: float) -> float:
        """
        What lasts so long in a full run.
        """
        return max(SHORTEST, seconds * self.scale)

    def rounds(self, count: int, seconds: float) -> tuple[int, float]:
        """
        How many rounds, of how many seconds each: first fewer, then shorter.
        """
        scaled = max(min(3, count), round(count * self.scale))
        return scaled, max(SHORTEST, min(seconds, count * seconds * self.scale / scaled))

    def counted(self, count: int, least: int = 1) -> int:
        """
        As many as in a full run, or fewer.
        """
        return max(least, min(count, round(count * self.scale)))
