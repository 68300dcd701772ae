"""
What a cell says on its channel, whenever it said it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from scripted_executor import kinds, run, started
from taking import everything
from toolcell_server.channel import Channel
from toolcell_server.denials import Denials
from toolcell_server.hearing import FRAMES_IN_A_ROW, Hearing
from toolcell_server.judging import Words
from toolcell_server.outbox import Outbox
from toolcell_worker import wire
from toolcell_worker.wire import HEADER, Frame

if TYPE_CHECKING:
    import socket

    from toolcell.v1 import execution_pb2 as pb


class Idle:
    """
    Neither a network nor a cell that is alive.
    """

    is_busy = False

    def kill(self) -> None:
        pass


@dataclass
class FakeSession:
    channel: Channel
    cell: Idle = field(default_factory=Idle)


class Heard:
    """
    A hearing of one channel, and all that it calls.
    """

    def __init__(self, end: socket.socket) -> None:
        self.outbox = Outbox(lambda: self.hearing.resume())  # noqa: PLW0108  # it is made below
        self.order: list[str] = []
        self.ended_by: list[pb.Outcome] = []
        self.words = Words()
        self.channel = Channel(end.dup())
        self.hearing = Hearing(
            cast("Any", FakeSession(self.channel)),
            Denials(),
            cast("Any", Idle()),
            self.outbox,
            self.words,
            started=started,
            told_started=lambda: self.order.append("told"),
            end=self.ended_by.append,
            ended_now=self.outbox.end,
            failed=self.outbox.end,
        )

    async def everything(self) -> list[pb.ExecuteResponse]:
        try:
            return [event async for event in everything(self.outbox)]
        finally:
            self.hearing.close()
            self.hearing.give_back()
            self.channel.close()


def test_what_a_warm_cell_said_before_its_call_is_heard(
    peers: tuple[socket.socket, socket.socket], tmp_path: Any
) -> None:
    """
    It has built its walls long ago: its frames lie in the channel, descriptors among them.
    """
    folder = os.open(tmp_path, os.O_PATH)
    told = b'{"folders": ["/work"]}'
    wire.send(peers[1], Frame.STAGING, told, (folder,))
    os.close(folder)
    wire.send(peers[1], Frame.READY)
    wire.send(peers[1], Frame.RESULT, b"7")
    peers[1].close()

    async def scenario() -> tuple[list[str | None], list[str]]:
        heard = Heard(peers[0])
        heard.hearing.resume()
        staging = list(heard.hearing.staging)
        events = await heard.everything()
        assert heard.words.result == b"7"
        assert [] == heard.ended_by
        assert "told" == heard.order[0]
        return kinds(events), staging

    assert (["started"], ["/work"]) == run(scenario())


def test_more_frames_than_are_taken_in_a_row_are_all_heard(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    What is read already makes no socket readable.
    """
    count = 5 * FRAMES_IN_A_ROW
    frames = HEADER.pack(Frame.READY, 0) + count * (HEADER.pack(Frame.PARTIAL, 1) + b"1")
    peers[1].sendall(frames)
    peers[1].close()

    async def scenario() -> list[str | None]:
        heard = Heard(peers[0])
        heard.hearing.resume()
        return kinds(await heard.everything())

    assert ["started", *["partial"] * count] == run(scenario())


def test_a_peer_that_is_dead_is_heard_to_its_last_frame(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    Its end may be open all the same: we may hold it ourselves, because it has sent it to us.
    """

    async def scenario() -> list[str | None]:
        heard = Heard(peers[0])
        heard.hearing.resume()
        wire.send(peers[1], Frame.READY)
        wire.send(peers[1], Frame.PARTIAL, b"1")
        heard.hearing.finish()
        return kinds(await heard.everything())

    assert ["started", "partial"] == run(scenario())
