"""
A clock for what must outlive the server: seconds since 1970 that never jump.

Theory of operation.  The wall clock is read once.  From then on the time since the host started
counts, which no administrator sets, and which goes on while the host sleeps.  A clock that was set
back while the server was down is dealt with where times are restored.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def since_boot() -> float:
    """
    Seconds since the host started, those that it slept included.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def steady(
    wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = since_boot
) -> Callable[[], float]:
    """
    A clock that begins at what the wall clock says now.
    """
    offset = wall() - elapsed()
    return lambda: elapsed() + offset
