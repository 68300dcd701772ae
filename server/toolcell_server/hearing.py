"""
Hears what one cell says on its channel, until it has ended.

Theory of operation.  Frames are taken whenever they come, as far as there is room for their events
(`source.py`).  A cell that was made before its call has said much of it already: what lies in the
channel is taken first.  A hostile tool can send frames faster than we understand them; what they
cost the loop that everybody shares is counted, and beyond a burst its frames wait for their turn.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Frame, PeerClosed, ProtocolError

from toolcell_server import endings, tool_frames
from toolcell_server.pace import Pace
from toolcell_server.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.wire import Message

    from toolcell_server.connecting import Connecting
    from toolcell_server.denials import Denials
    from toolcell_server.hold import Hold
    from toolcell_server.judging import Words
    from toolcell_server.outbox import Outbox

BEFORE_READY: Final = frozenset(
    {Frame.SETUP_FAILED, Frame.STAGING, Frame.LISTENER, Frame.NETWORK, Frame.BUILT}
)
# Of the loop that everybody shares; in units of `tool_frames.cost`, about a third of it for each.
FRAMES_AT_ONCE: Final = 8192
FRAMES_A_SECOND: Final = 16_384
FRAMES_IN_A_ROW: Final = 64  # arbitrary; then others have their turn


class Hearing(Source):
    """
    `started` says the first event, and `told_started` is called once nothing else can come before
    it: then, or when the cell ended without.  `end` ends the cell for a cause.  `words` are what
    the tool's process said of its ending; `staging` are the folders of the cell in which files are
    staged, by path.
    """

    def __init__(
        self,
        hold: Hold,
        denials: Denials,
        connecting: Connecting,
        events: Outbox,
        words: Words,
        *,
        started: Callable[[], pb.ExecuteResponse],
        told_started: Callable[[], None],
        end: Callable[[pb.Outcome], None],
        ended_now: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        super().__init__(events, ended_now, failed)
        self.words = words
        self.staging: dict[str, int] = {}
        self._hold = hold
        self._channel = hold.channel
        self._denials = denials
        self._connecting = connecting
        self._started = started
        self._told_started = told_started
        self._end_cell = end
        self._pace = Pace(FRAMES_AT_ONCE, FRAMES_A_SECOND)

    def finish(self) -> None:
        self._channel.finish()
        super().finish()

    def give_back(self) -> None:
        """
        Give the folders back, which are kept when nothing more is read.
        """
        for descriptor in self.staging.values():
            os.close(descriptor)
        self.staging.clear()

    def _pull(self) -> None:
        """
        Take frames.  Before READY it is our own code that speaks; after it, the tool.
        """
        try:
            self._hear()
        except PeerClosed:
            self._end()
        except ProtocolError as exc:
            if self.words.ready:
                self._end_cell(endings.broke_protocol(str(exc)))
            self._hold.cell.kill()
            self._end()

    def _hear(self) -> None:
        for _ in range(FRAMES_IN_A_ROW):
            if self._connecting.is_busy or self._events.is_full():
                self._unwatch()  # whoever it is that we wait for calls `resume`
                return
            message = self._channel.take()
            if message is None:
                break
            wait = self._pace.take(time.monotonic(), tool_frames.cost(message))
            self._take(message)
            if wait and not self._finished:
                self._pause(wait)
                return
        else:
            self._pause()
            return
        if self._finished:
            self._pause()  # there may be more, and nobody will tell
        else:
            self._channel.listen(self.pull)

    def _take(self, message: Message) -> None:
        words = self.words
        if message.kind == Frame.READY and not words.ready:
            self._begin()
        elif not words.ready and message.kind in BEFORE_READY:
            self._prepare(message)
        else:
            event = tool_frames.take(message, words)
            if event is not None and not self._denials.repeats(event):
                self._events.put(event, len(message.payload))

    def _begin(self) -> None:
        """
        From now on it is the tool that speaks.
        """
        self.words.ready = True
        self._channel.refuse_descriptors()
        self._events.put(self._started())
        self._told_started()

    def _prepare(self, message: Message) -> None:
        """
        What our own code says while it builds the walls.
        """
        if message.kind == Frame.SETUP_FAILED:
            said = message.json()
            why = f"the {said['wall']} wall could not be built: {said['detail']}"
            self._end_cell(endings.lost(pb.LOST_REASON_WALL_NOT_BUILT, why, said["wall"]))
        elif message.kind == Frame.STAGING:
            folders = message.json()["folders"]
            self.staging.update(zip(folders, message.descriptors, strict=True))
        elif message.kind == Frame.NETWORK:
            self._connecting.connect(message.descriptors)
        elif message.kind == Frame.LISTENER:
            self._denials.observe(message.descriptors)

    def _unwatch(self) -> None:
        self._channel.ignore()

    def _end(self) -> None:
        self.close()
        self._told_started()  # or never will be
        self._ended_now()
