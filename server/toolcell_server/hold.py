"""
The server's ends of one cell: its channels and pipes, opened together, closed together.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from toolcell_worker.wire import Frame

from toolcell_server.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_worker.wire import Call, CellGrant

    from toolcell_server.cells import Cell
    from toolcell_server.zygote import Zygote

FRAME_SLACK_BYTES = 64 * 1024  # what a frame may hold beside the result: names, hints, a traceback


@dataclass(slots=True, eq=False)
class Hold:
    """
    A spawned cell, and our ends of what leads into it.  `whole`: it was made without a call.
    """

    cell: Cell
    channel: Channel
    stdout: int
    stderr: int
    _resources: contextlib.ExitStack
    whole: bool = False

    @classmethod
    async def open(
        cls, zygote: Zygote, slot: int, grant: CellGrant, trees: Sequence[int], call: Call
    ) -> Self:
        """
        Spawn a cell and send it its call, which it reads once every wall is up.

        Raises:
            ZygoteDied, ZygoteFailed: there is no cell.
        """
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            channel, stdout, stderr, ends = _opened(ours, theirs, grant.result_bytes)
            sending = asyncio.create_task(_send(channel, grant.pack(), call.pack()))
            ours.callback(sending.cancel)
            cell = await zygote.spawn(slot, (*ends, *trees))
            ours.callback(cell.close)
            ours.callback(cell.kill)
            return cls(cell, channel, stdout, stderr, ours.pop_all())

    @classmethod
    async def warm(cls, zygote: Zygote, slot: int, grant: bytes, result_bytes: int) -> Self:
        """
        Spawn a whole cell, which builds its walls and waits for its call.

        Raises:
            ZygoteDied, ZygoteFailed: there is no cell.
        """
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            channel, stdout, stderr, ends = _opened(ours, theirs, result_bytes)
            cell = await zygote.spawn(slot, ends, grant)
            ours.callback(cell.close)
            ours.callback(cell.kill)
            return cls(cell, channel, stdout, stderr, ours.pop_all(), whole=True)

    def tell(self, call: Call) -> None:
        """
        Tell a whole cell whom it serves.  One that has ended does not hear it: its end says why.
        What it does not take at once is sent while it is attended.
        """
        with contextlib.suppress(OSError):
            if rest := self.channel.send_at_once(Frame.CALL, call.pack()):
                sending = asyncio.create_task(_send_rest(self.channel, rest))
                self._resources.callback(sending.cancel)

    def close(self) -> None:
        """
        Kill what is left of the cell, and close our ends.
        """
        self._resources.close()


async def _send(channel: Channel, grant: bytes, call: bytes) -> None:
    with contextlib.suppress(OSError):  # the cell ended before it read them; its end tells why
        await channel.send(Frame.GRANT, grant)
        await channel.send(Frame.CALL, call)


async def _send_rest(channel: Channel, rest: bytes) -> None:
    with contextlib.suppress(OSError):
        await channel.send_rest(rest)


def _opened(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack, result_bytes: int
) -> tuple[Channel, int, int, tuple[int, int, int]]:
    """
    Our ends of what leads into a cell, and all of the cell's.
    """
    channel, cell_end = _pair(ours, theirs, result_bytes + FRAME_SLACK_BYTES)
    stdout, stdout_end = _pipe(ours, theirs)
    stderr, stderr_end = _pipe(ours, theirs)
    return channel, stdout, stderr, (cell_end, stdout_end, stderr_end)


def _pair(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack, maximum: int
) -> tuple[Channel, int]:
    here, there = socket.socketpair()
    channel = Channel(here, maximum)
    ours.callback(channel.close)
    theirs.enter_context(there)
    return channel, there.fileno()


def _pipe(ours: contextlib.ExitStack, theirs: contextlib.ExitStack) -> tuple[int, int]:
    here, there = os.pipe2(os.O_CLOEXEC)
    ours.callback(os.close, here)
    theirs.callback(os.close, there)
    os.set_blocking(here, False)
    return here, there
