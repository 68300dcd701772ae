"""
From a real pipe to events: everything, in few pieces, and only as fast as they are taken.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest
from scripted_executor import run
from taking import everything
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.outbox import MAXIMUM_BYTES, Outbox
from toolcell_server.output import COALESCE_SECONDS, KILL_FACTOR, PIECE_BYTES, READ_BYTES, Pump

if TYPE_CHECKING:
    from collections.abc import Iterator
LIMIT = 1000
PIPE_BYTES = 64 * 1024


def numbered(count: int) -> bytes:
    """
    Bytes of which every stretch tells where it was.
    """
    return b"".join(number.to_bytes(4, "big") for number in range(count // 4 + 1))[:count]


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


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    os.close(one.reading)


def test_a_pump_passes_on_everything_and_ends_with_the_last_writer(pipe: Pipe) -> None:
    """
    Bytes are bytes: no line ends, no encoding.
    """
    data = numbered(700_000)
    writing = threading.Thread(target=pipe.write_and_close, args=(data,))

    async def scenario() -> None:
        pipe.open.set()
        writing.start()
        await pipe.pump()

    run(scenario())
    writing.join()

    assert data == pipe.data
    assert {pb.OUTPUT_STREAM_STDERR} == {event.output.stream for event in pipe.events}
    assert all(len(event.output.data) <= PIECE_BYTES for event in pipe.events)


def test_many_small_writes_become_few_events(pipe: Pipe) -> None:
    """
    A progress bar that is redrawn a thousand times must not cost a thousand messages.
    """

    async def scenario() -> None:
        pipe.open.set()
        pumping = asyncio.create_task(pipe.pump())
        for _ in range(1000):
            os.write(pipe.writing, b"=")
            await asyncio.sleep(0)
        os.close(pipe.writing)
        await pumping

    run(scenario())

    assert b"=" * 1000 == pipe.data
    assert len(pipe.events) < 200


def test_a_reader_that_stalls_makes_the_writer_wait(pipe: Pipe) -> None:
    """
    Memory of the service is not the tool's to fill: so much waits for its reader, and the pipe.
    """
    pipe.limit = 2**24  # or the rest would be drained
    os.set_blocking(pipe.writing, False)

    def write_all() -> int:
        written = 0
        try:
            while True:
                written += os.write(pipe.writing, bytes(PIPE_BYTES))
        except BlockingIOError:
            return written

    async def scenario() -> int:
        pumping = asyncio.create_task(pipe.pump())
        written = 0
        for _ in range(100):  # the pump has every chance to read on
            written += write_all()
            await asyncio.sleep(0)
        os.close(pipe.writing)
        pipe.open.set()
        await pumping
        return written

    written = run(scenario())

    assert (
        written <= PIECE_BYTES + MAXIMUM_BYTES + PIECE_BYTES
    )  # the pipe, the outbox, the last read
    assert written == len(pipe.data)


def test_the_tail_comes_last_with_the_count_of_what_is_missing(pipe: Pipe) -> None:
    """
    The reader sees where the gap is.
    """
    pipe.limit = LIMIT
    data = numbered(5 * LIMIT)
    pipe.write_and_close(data)

    async def scenario() -> None:
        pipe.open.set()
        await pipe.pump()

    run(scenario())

    assert [0, 4 * LIMIT] == [event.output.skipped_bytes for event in pipe.events]
    assert data[:750] + data[-250:] == pipe.data
    assert not pipe.flooded.is_set()


def test_a_large_tail_comes_in_pieces_that_any_client_receives(pipe: Pipe) -> None:
    """
    A quarter of a large limit is more than one message may hold, and more than a journal keeps.
    """
    limit = 16 * READ_BYTES
    pipe.limit = limit
    data = numbered(2 * limit)
    writing = threading.Thread(target=pipe.write_and_close, args=(data,))

    async def scenario() -> None:
        pipe.open.set()
        writing.start()
        await pipe.pump()

    run(scenario())
    writing.join()
    skipped = [event.output.skipped_bytes for event in pipe.events]

    assert data[: limit * 3 // 4] + data[-limit // 4 :] == pipe.data
    assert max(len(event.output.data) for event in pipe.events) <= PIECE_BYTES
    assert [limit] == [count for count in skipped if count]


def test_a_flood_is_told_while_it_flows(pipe: Pipe) -> None:
    """
    Who waits for its end waits for ever.
    """
    pipe.limit = LIMIT
    os.write(pipe.writing, bytes(KILL_FACTOR * LIMIT + 1))

    async def scenario() -> Pump:
        pipe.open.set()
        pumping = asyncio.create_task(pipe.pump())
        await pipe.flooded.wait()
        os.close(pipe.writing)
        return await pumping

    assert run(scenario()).keeping.truncated


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
