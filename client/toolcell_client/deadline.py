"""
A point in time after which a call is given up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

from toolcell_client.options import MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    A reading of the monotonic clock, in seconds; None: never.
    """

    at: float | None

    @classmethod
    def of(cls, timeout: float | None) -> Self:
        """
        The deadline of a call that began now: a margin after its timeout, because the server ends
        the execution at the timeout itself, and its answer has to travel.
        """
        return cls(None if timeout is None else time.monotonic() + timeout + MARGIN_SECONDS)

    def remaining(self) -> float | None:
        """
        Seconds left, never negative; None: no end.
        """
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def allows(self, seconds: float) -> bool:
        """
        Whether that much time is left.
        """
        remaining = self.remaining()
        return remaining is None or seconds < remaining
