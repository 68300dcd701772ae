"""
Looks for sessions that are over, again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LOOK_SECONDS: Final = 30.0  # arbitrary; nobody finds a session that is over, it only takes room
_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def looking(expire: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """
    Call `expire` every so often for as long as the context lasts.
    """
    task = asyncio.create_task(_look(expire))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _look(expire: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await expire()
        except Exception:  # noqa: BLE001  # the next look may have more luck
            _log.exception("sessions that are over could not be removed")
