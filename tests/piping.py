"""
A pipe, and a pump that empties it into events.
"""

from __future__ import annotations

import asyncio
import os

from taking import everything
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.outbox import Outbox
from toolcell_server.output import Pump


class Pipe:
    """
    A pipe with a non-blocking reading end, and what was pumped out of it.
    """

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.reading, False)
        self.limit = 2**20
        self.events: list[pb.ExecuteResponse] = []
        self.flooded = asyncio.Event()
        self.open = asyncio.Event()  # whether events are taken

    def made(self) -> tuple[Pump, Outbox]:
        """
        A pump that has begun.
        """
        outbox = Outbox(lambda: pump.resume())  # noqa: PLW0108  # it is made below
        pump = Pump(
            self.reading,
            pb.OUTPUT_STREAM_STDERR,
            self.limit,
            outbox,
            on_flood=self.flooded.set,
            ended_now=outbox.end,
            failed=outbox.end,
        )
        pump.start()
        return pump, outbox

    async def pump(self) -> Pump:
        pump, outbox = self.made()
        await self.open.wait()
        self.events += [event async for event in everything(outbox)]
        return pump

    @property
    def data(self) -> bytes:
        return b"".join(event.output.data for event in self.events)

    def write_and_close(self, data: bytes) -> None:
        with os.fdopen(self.writing, "wb") as file:
            file.write(data)
