"""
The tasks of a voice session, by key.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Tasks:
    """
    What runs beside the connection.  `failed` is the last exception that left one: a callback of
    the program raised it, or it is a fault of ours.
    """

    def __init__(self) -> None:
        self.failed: BaseException | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def cancel(self, key: str) -> None:
        if task := self._tasks.get(key):
            task.cancel()

    async def end_all(self) -> None:
        """
        Cancel all of them, and wait until they have ended.
        """
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
        if not task.cancelled() and task.exception() is not None:
            self.failed = task.exception()
