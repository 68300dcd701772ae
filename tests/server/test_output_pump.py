"""
From a real pipe to events: everything, in few pieces, and only as fast as they are taken.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from scripted_executor import run
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.outbox import MAXIMUM_BYTES
from toolcell_server.output import KILL_FACTOR, PIECE_BYTES, READ_BYTES

if TYPE_CHECKING:
    from piping import Pipe
    from toolcell_server.output import Pump

LIMIT = 1000
PIPE_BYTES = 64 * 1024


def numbered(count: int) -> bytes:
    """
    Bytes of which every stretch tells where it was.
    """
    return b"".join(number.to_bytes(4, "big") for number in range(count // 4 + 1))[:count]


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
