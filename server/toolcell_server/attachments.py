"""
Who is attached to an execution, and what happens when nobody is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Attachments:
    """
    Counts the callers of one execution; a context manager that each of them enters.

    When the last one leaves, `lost` is called after `grace_seconds`, unless another one came or
    the execution ended in between.  None: it goes on without callers.

    A caller who cancels and one whose connection breaks look alike, which is why leaving is not
    taken for a wish to end.
    """

    def __init__(self, grace_seconds: float | None, lost: Callable[[], object]) -> None:
        self.count = 0
        self._grace_seconds = grace_seconds
        self._lost = lost
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self.count += 1
        self._disarm()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.count -= 1
        if self.count == 0 and self._grace_seconds is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._grace_seconds, self._lost)

    def end(self) -> None:
        """
        The execution has ended: nobody is waited for any more.
        """
        self._grace_seconds = None
        self._disarm()

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
