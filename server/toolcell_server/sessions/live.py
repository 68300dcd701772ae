"""
What happens in a session now, in memory only: its calls and its uploads.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.execution import Stop


@dataclass(slots=True, eq=False)
class Live:
    """
    Lives on one event loop.  `incoming` are the bytes that uploads have announced.
    """

    stops: set[Stop] = field(default_factory=set)
    incoming: int = 0
    uploads: int = 0
    users: int = 0
    bytes: int = 0  # that its workspace had when it was last looked at
    _unused: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def announced(self, size: int) -> Iterator[None]:
        """
        An upload of that many bytes is on its way.
        """
        self.incoming += size
        self.uploads += 1
        try:
            yield
        finally:
            self.incoming -= size
            self.uploads -= 1

    @contextlib.contextmanager
    def used(self, stop: Stop | None = None) -> Iterator[None]:
        """
        Somebody uses the session; a call can be asked to `stop`.
        """
        self.users += 1
        self._unused.clear()
        if stop is not None:
            self.stops.add(stop)
        try:
            yield
        finally:
            self.users -= 1
            if stop is not None:
                self.stops.discard(stop)
            if not self.users:
                self._unused.set()

    async def ended(self, seconds: float) -> None:
        """
        Ask every call to stop, and wait until nobody uses the session, but no longer than that.
        """
        for stop in list(self.stops):
            stop.request(pb.CANCEL_REASON_REQUESTED)
        if self.users:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._unused.wait()
