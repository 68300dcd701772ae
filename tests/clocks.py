"""
A clock that a test turns.
"""

from __future__ import annotations


class Clock:
    """
    Stands still, at `now` seconds, until it is moved on.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
