"""
How the output of a tool begins and ends: after `started`, and with all that is in the pipe.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from scripted_executor import run
from taking import everything
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.outbox import Outbox
from toolcell_server.output import COALESCE_SECONDS, READ_BYTES, Pump

if TYPE_CHECKING:
    from piping import Pipe

LIMIT = 1000


@pytest.mark.parametrize("waits", [False, True], ids=["told before", "told while it waits"])
def test_what_is_there_is_read_when_every_writer_is_known_to_be_dead(
    pipe: Pipe, *, waits: bool
) -> None:
    """
    An open end proves nothing: the tool can have sent one to the server itself.
    """
    os.write(pipe.writing, b"last")

    async def scenario() -> bytes:
        pump, outbox = pipe.made()
        if waits:
            found = [await outbox.get()]
            await asyncio.sleep(2 * COALESCE_SECONDS)  # until it looks at the pipe again
            pump.finish()
        else:
            pump.finish()
            found = []
        found += [event async for event in everything(outbox)]
        return b"".join(event.output.data for event in found if event)

    assert b"last" == run(scenario())


def test_nothing_is_read_before_it_is_started(pipe: Pipe) -> None:
    """
    `started` comes before what the tool prints.
    """
    pipe.write_and_close(b"early")

    async def scenario() -> tuple[int, list[bytes]]:
        outbox = Outbox(lambda: None)
        pump = Pump(
            pipe.reading,
            pb.OUTPUT_STREAM_STDOUT,
            LIMIT,
            outbox,
            on_flood=lambda: None,
            ended_now=outbox.end,
            failed=outbox.end,
        )
        pump.finish()
        before = 0 if outbox.take() is None else 1
        pump.start()
        return before, [event.output.data async for event in everything(outbox)]

    assert (0, [b"early"]) == run(scenario())


def test_what_a_dying_tool_writes_is_read_when_it_is_dead(pipe: Pipe) -> None:
    """
    Otherwise a tool that dies late writes past a caller who reads slowly.
    """

    async def read_on() -> None:
        pump, outbox = pipe.made()
        os.write(pipe.writing, b"a" * READ_BYTES)  # as much as it reads: no pause
        assert (event := await outbox.get()) is not None
        assert len(event.output.data) == READ_BYTES

        pump.hold()
        os.write(pipe.writing, b"dying")
        await readable(pipe.reading)
        assert outbox.take() is None

        pump.finish()
        assert (event := await outbox.get()) is not None
        assert event.output.data == b"dying"
        assert await outbox.get() is None  # although somebody still holds an end
        os.close(pipe.writing)

    run(read_on())


async def readable(descriptor: int) -> None:
    """
    Until the loop has told a copy of this descriptor, and thus the original, of what it holds.
    """
    copy = os.dup(descriptor)
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(copy, told.set)
    try:
        await told.wait()
        await asyncio.sleep(0)
    finally:
        asyncio.get_running_loop().remove_reader(copy)
        os.close(copy)
