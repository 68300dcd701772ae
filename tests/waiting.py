"""
Waits for what comes soon, and says so when it does not come.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE_SECONDS = 0.02
# How many times slower than usual this host may be: an emulated processor needs more.
PATIENCE = float(os.environ.get("TOOLCELL_TEST_PATIENCE", "1"))


class NeverHappened(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when something has not happened in its time.
    """


def wait_until(happened: Callable[[], bool], seconds: float = 40.0) -> None:
    """
    Wait until it has happened; what nobody can be told of is looked at again and again.

    Raises:
        NeverHappened: it has not, in that many seconds.
    """
    until = time.monotonic() + seconds * PATIENCE
    while not happened():
        if time.monotonic() > until:
            raise NeverHappened(f"it did not happen in {seconds:g} s")
        time.sleep(PAUSE_SECONDS)


async def until(happened: Callable[[], bool], seconds: float = 40.0) -> None:
    """
    The same within an event loop.

    Raises:
        NeverHappened: it has not, in that many seconds.
    """
    end = time.monotonic() + seconds * PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise NeverHappened(f"it did not happen in {seconds:g} s")
        await asyncio.sleep(PAUSE_SECONDS / 4)
