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
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.output import KILL_FACTOR, READ_BYTES, Keeping, Reader, pump

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
        self.keeping = Keeping(2**20)
        self.events: list[pb.ExecuteResponse] = []
        self.flooded = asyncio.Event()
        self.open = asyncio.Event()  # whether events are taken

    async def put(self, event: pb.ExecuteResponse) -> None:
        await self.open.wait()
        self.events.append(event)

    def flood(self) -> None:
        self.flooded.set()

    async def pump(self) -> None:
        stream = pb.OUTPUT_STREAM_STDERR
        await pump(Reader(self.reading), stream, self.keeping, self.put, self.flood)

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
    assert all(len(event.output.data) <= READ_BYTES for event in pipe.events)


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
    Memory of the service is not the tool's to fill: at most what was read last, and the pipe.
    """
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

    assert written <= PIPE_BYTES + READ_BYTES
    assert written == len(pipe.data)


def test_the_tail_comes_last_with_the_count_of_what_is_missing(pipe: Pipe) -> None:
    """
    The reader sees where the gap is.
    """
    pipe.keeping = Keeping(LIMIT)
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
    pipe.keeping = Keeping(limit)
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
    assert max(len(event.output.data) for event in pipe.events) <= READ_BYTES
    assert [limit] == [count for count in skipped if count]


def test_a_flood_is_told_while_it_flows(pipe: Pipe) -> None:
    """
    Who waits for its end waits for ever.
    """
    pipe.keeping = Keeping(LIMIT)
    os.write(pipe.writing, bytes(KILL_FACTOR * LIMIT + 1))

    async def scenario() -> None:
        pipe.open.set()
        pumping = asyncio.create_task(pipe.pump())
        await pipe.flooded.wait()
        os.close(pipe.writing)
        await pumping

    run(scenario())

    assert pipe.keeping.truncated


@pytest.mark.parametrize("waits", [False, True], ids=["told before", "told while it waits"])
def test_what_is_there_is_read_when_every_writer_is_known_to_be_dead(
    pipe: Pipe, waits: bool
) -> None:
    """
    An open end proves nothing: the tool can have sent one to the server itself.
    """
    os.write(pipe.writing, b"last")

    async def scenario() -> list[bytes | None]:
        reader = Reader(pipe.reading)
        found = [await reader.read()] if waits else []
        more = asyncio.create_task(reader.read()) if waits else None
        await asyncio.sleep(0)
        reader.finish()
        return [*found, await (more or reader.read()), await reader.read()]

    assert [b"last", None, *([] if not waits else [None])] == run(scenario())
