"""
How long, and how many, endings stay in the database.

Theory of operation.  What ended longer ago than the settings say is not told any more at once, and
is removed in passing: some rows from time to time.  Above a count or a size the oldest endings go
when others come, some in each turn of the event loop, so that nobody waits for the removal of many:
the operator may have lowered a bound.  What has not ended is never removed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from toolcell_server.database import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.records.ledger import Ledger
    from toolcell_server.records.store_health import StoreHealth
    from toolcell_server.settings.records import RecordsSettings

TIDY_SECONDS: Final = 10.0  # arbitrary; what is too old is not told, only still there
_AT_ONCE: Final = 64  # rows; about a millisecond
_NANOSECONDS: Final = 10**9


class Retention:
    """
    Removes what is too old or too much.  Lives on one event loop.
    """

    def __init__(
        self,
        ledger: Ledger,
        bounds: RecordsSettings,
        keep_seconds: float,
        health: StoreHealth,
        clock: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._bounds = bounds
        self._keep = round(keep_seconds * _NANOSECONDS)
        self._health = health
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def since(self) -> int:
        """
        Endings of before are not told.
        """
        return self._clock() - self._keep

    def tidy(self) -> None:
        """
        Remove some of what is too much, and the rest in later turns of the loop.
        """
        loop = asyncio.get_running_loop()
        if self._is_too_much() and self._forget(max(1, min(_AT_ONCE, self._ledger.count // 16))):
            loop.call_soon(self.tidy)
        if self._timer is None:
            self._timer = loop.call_later(TIDY_SECONDS, self._wake)

    def close(self) -> None:
        self._closed = True
        if self._timer:
            self._timer.cancel()

    def remove_old(self) -> bool:
        """
        Remove some of what is too old; true if there may be more of it.
        """
        return self._forget(_AT_ONCE, self.since) == _AT_ONCE

    def _wake(self) -> None:
        delay = 0.0 if self.remove_old() else TIDY_SECONDS
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _is_too_much(self) -> bool:
        ledger, bounds = self._ledger, self._bounds
        too_many = ledger.count > bounds.maximum_count
        return not self._closed and (too_many or ledger.size > bounds.maximum_bytes)

    def _forget(self, maximum: int, ended_before: int | None = None) -> int:
        try:
            removed = self._ledger.forget(maximum, ended_before)
        except StoreFailed as exc:
            self._health.fails("forget", exc)
            return 0
        self._health.works("forget")
        return removed
