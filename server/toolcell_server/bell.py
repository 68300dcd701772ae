"""
A wake-up for everybody who waits now.
"""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """
    Wakes everybody who waits when it rings, and nobody who waits later.

    Unlike `asyncio.Condition` it has no lock: whoever waits checks its condition again, and on one
    event loop nothing happens between the check and the wait.
    """

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():  # done: its waiter was cancelled
                future.set_result(None)

    async def wait(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            with contextlib.suppress(ValueError):  # it has rung at the same moment
                self._waiting.remove(future)
            raise
