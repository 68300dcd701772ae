"""
What a place is wanted for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    `share` is whose place it will be; `deadline`, of the monotonic clock, is None if the call has
    none.
    """

    share: str = ""
    tool: str = ""
    deadline: float | None = None


ANYTHING: Final = Wanted()
