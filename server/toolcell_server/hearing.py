"""
Hears what one cell says on its channel, until it has ended.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Frame, PeerClosed, ProtocolError

from toolcell_server import endings, tool_frames
from toolcell_server.judging import Words
from toolcell_server.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from toolcell_worker.wire import Message

    from toolcell_server.denials import Denials
    from toolcell_server.session import Session

BEFORE_READY: Final = frozenset({Frame.SETUP_FAILED, Frame.STAGING, Frame.LISTENER, Frame.NETWORK})
# Of the loop that everybody shares; in units of `tool_frames.cost`, about a third of it for each.
FRAMES_AT_ONCE: Final = 8192
FRAMES_A_SECOND: Final = 16_384


@dataclass(slots=True, eq=False)
class Hearing:
    """
    `put` takes the events, `started` says the first of them, `end` ends the cell for a cause,
    `connect` takes the listeners of the cell's own network.
    `words` are what the tool's process said of its ending; `staging` are the folders of the cell
    in which files are staged, by path; `told_started` is set once nothing else can come first.
    """

    session: Session
    denials: Denials
    put: Callable[[pb.ExecuteResponse], Awaitable[None]]
    started: Callable[[], pb.ExecuteResponse]
    end: Callable[[pb.Outcome], None]
    connect: Callable[[tuple[int, ...]], Awaitable[None]]
    words: Words = field(default_factory=Words)
    staging: dict[str, int] = field(default_factory=dict)
    told_started: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self) -> None:
        """
        Take every frame.  Before READY it is our own code that speaks; after it, the tool.
        """
        pace = Pace(FRAMES_AT_ONCE, FRAMES_A_SECOND)
        try:
            while True:
                message = await self.session.channel.receive()
                wait = pace.take(time.monotonic(), tool_frames.cost(message))
                if wait and not self.session.cell.reaped.done():
                    await asyncio.sleep(wait)
                await self._take(message)
        except PeerClosed:
            return
        except ProtocolError as exc:
            if self.words.ready:
                self.end(endings.broke_protocol(str(exc)))
            self.session.cell.kill()
        finally:
            self.told_started.set()  # or never will be

    def close(self) -> None:
        """
        Give the folders back.
        """
        for descriptor in self.staging.values():
            os.close(descriptor)
        self.staging.clear()

    async def _take(self, message: Message) -> None:
        words = self.words
        if message.kind == Frame.READY and not words.ready:
            words.ready = True
            self.session.channel.refuse_descriptors()
            await self.put(self.started())
            self.told_started.set()
        elif not words.ready and message.kind in BEFORE_READY:
            await self._prepare(message)
        else:
            event = tool_frames.take(message, words)
            if event is not None and not self.denials.repeats(event):
                await self.put(event)

    async def _prepare(self, message: Message) -> None:
        """
        What our own code says while it builds the walls.
        """
        if message.kind == Frame.SETUP_FAILED:
            said = message.json()
            why = f"the {said['wall']} wall could not be built: {said['detail']}"
            self.end(endings.lost(pb.LOST_REASON_WALL_NOT_BUILT, why, said["wall"]))
        elif message.kind == Frame.STAGING:
            folders = message.json()["folders"]
            self.staging.update(zip(folders, message.descriptors, strict=True))
        elif message.kind == Frame.NETWORK:
            await self.connect(message.descriptors)
        else:
            self.denials.observe(message.descriptors)
