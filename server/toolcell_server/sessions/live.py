"""
What happens in a session now, in memory only: its calls, and the streams of its files.

Theory of operation.  A stream goes at its caller's pace, who may stand still for ever; so it ends
with its session, as calls do, and nobody who removes one waits for somebody else's stream.  A file
that is being sent and has no name any more still takes its room on the disk, and counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.refusals import UnknownSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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
    sending: set[int] = field(default_factory=set)  # descriptors of files
    streams: set[asyncio.Timeout] = field(default_factory=set)
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

    @contextlib.asynccontextmanager
    async def streaming(self, session_id: str) -> AsyncIterator[None]:
        """
        A stream of the session's files.

        Raises:
            UnknownSession: the session ended before the stream did.
        """
        try:
            async with asyncio.timeout(None) as stream:
                self.streams.add(stream)
                try:
                    yield
                finally:
                    self.streams.discard(stream)
        except TimeoutError:
            if stream.expired():
                raise UnknownSession(session_id) from None
            raise

    @property
    def held(self) -> int:
        """
        Bytes of files that are being sent and have no name any more.
        """
        statuses = [os.fstat(each) for each in self.sending]
        return sum(each.st_size for each in statuses if not each.st_nlink)

    async def ended(self, seconds: float) -> None:
        """
        Ask every call to stop, end every stream, and wait until nobody uses the session, but no
        longer than that.
        """
        for stop in list(self.stops):
            stop.request(pb.CANCEL_REASON_REQUESTED)
        for stream in list(self.streams):
            stream.reschedule(asyncio.get_running_loop().time())
        if self.users:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._unused.wait()
