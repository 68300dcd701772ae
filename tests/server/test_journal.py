"""
The journal: nothing lost, nothing reordered, memory bounded.
"""

from __future__ import annotations

import asyncio

import pytest
from scripted_executor import DEADLINE, completed, output
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.journal import ENTRY_BYTES, Journal, JournalEnded
from toolcell_server.refusals import EventsExpired

PIECE = 1000
COST = PIECE + ENTRY_BYTES + 60  # an upper bound: the stamps take some bytes as well


def journal(capacity_bytes: int = 2**20) -> Journal:
    return Journal("execution-1", "call-1", capacity_bytes)


def fill(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append(output(f"{number:04}".encode() * (PIECE // 4)))


async def read(journal: Journal, after_sequence: int = 0) -> list[pb.ExecuteResponse]:
    with journal.reader(after_sequence) as events:
        return [pb.ExecuteResponse.FromString(data) async for data in events]


def test_events_are_stamped_in_the_order_of_their_appending() -> None:
    """
    A reader finds gaps by the sequence, and the call by the ids.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        kept = journal()
        fill(kept, 2)
        kept.append(completed())
        return await read(kept)

    events = asyncio.run(scenario())

    assert [event.sequence for event in events] == [1, 2, 3]
    assert {("execution-1", "call-1")} == {(event.execution_id, event.call_id) for event in events}
    assert all(event.time.seconds > 0 for event in events)


@pytest.mark.parametrize("position", range(7), ids=lambda position: f"after_sequence_{position}")
def test_a_reader_that_comes_back_at_any_position_misses_nothing(position: int) -> None:
    """
    A stream may break between any two events.
    """

    async def scenario() -> list[int]:
        kept = journal()
        fill(kept, 3)
        reading = asyncio.create_task(read(kept, position))
        await asyncio.sleep(0)  # it has read what is there, and waits
        fill(kept, 2)
        kept.append(completed())
        return [event.sequence for event in await asyncio.wait_for(reading, DEADLINE)]

    assert list(range(position + 1, 7)) == asyncio.run(scenario())


def test_all_readers_are_handed_the_same_bytes() -> None:
    """
    Any number of watchers costs one copy.
    """

    async def scenario() -> list[list[bytes]]:
        kept = journal()
        fill(kept, 3)
        kept.append(completed())
        taken = []
        for _ in range(2):
            with kept.reader() as events:
                taken.append([data async for data in events])
        return taken

    first, second = asyncio.run(scenario())

    assert len(first) == 4
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_the_oldest_events_are_dropped_beyond_the_capacity() -> None:
    """
    A chatty tool that nobody reads must not fill the server's memory.
    """

    async def scenario() -> Journal:
        kept = journal(capacity_bytes=10 * COST)
        fill(kept, 1000)
        return kept

    kept = asyncio.run(scenario())

    assert kept.kept_bytes <= kept.capacity_bytes
    assert kept.last == 1000
    assert 989 <= kept.earliest <= 991
    assert kept.last - kept.earliest + 1 == len(kept._entries)


def test_a_reader_of_dropped_events_is_told_the_earliest_kept() -> None:
    """
    A gap is refused by name, never served in silence.
    """

    async def scenario() -> tuple[EventsExpired, int, list[int]]:
        kept = journal(capacity_bytes=10 * COST)
        fill(kept, 100)
        kept.append(completed())
        with pytest.raises(EventsExpired) as refused:
            await read(kept)
        rest = await read(kept, kept.earliest - 1)
        return refused.value, kept.earliest, [event.sequence for event in rest]

    refused, earliest, rest = asyncio.run(scenario())

    assert str(earliest) == refused.metadata["earliest_sequence"]
    assert list(range(earliest, 102)) == rest


def test_a_reader_that_is_overtaken_is_told_so_in_the_middle() -> None:
    """
    A stalled watcher beside a fast one falls behind what is kept.
    """

    async def scenario() -> str:
        kept = journal(capacity_bytes=10 * COST)
        fill(kept, 1)
        with kept.reader() as events:
            await anext(events)
            fill(kept, 100)
            with pytest.raises(EventsExpired) as refused:
                await anext(events)
        assert str(kept.earliest) == refused.value.metadata["earliest_sequence"]
        return refused.value.code

    assert asyncio.run(scenario()) == "OUT_OF_RANGE"


def test_the_ending_is_never_dropped_however_large_it_is() -> None:
    """
    A result above the capacity is what a late caller comes for.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        kept = journal(capacity_bytes=10 * COST)
        fill(kept, 20)
        for number in range(50):
            chunk = pb.ResultChunk(offset=number * PIECE, data=b"x" * PIECE)
            kept.append(pb.ExecuteResponse(result_chunk=chunk))
        kept.append(completed())
        return await read(kept, kept.earliest - 1)

    events = asyncio.run(scenario())

    assert sum(event.HasField("result_chunk") for event in events) == 50
    assert events[-1].HasField("finished")
    assert events[0].HasField("output")  # nor does the ending push out the output before it


def test_nothing_follows_the_ending() -> None:
    """
    `finished` is last, once.
    """

    async def scenario() -> int:
        kept = journal()
        kept.append(completed())
        with pytest.raises(JournalEnded):
            kept.append(completed())
        return kept.last

    assert asyncio.run(scenario()) == 1


def test_a_stalled_reader_holds_the_producer_back_at_half_the_capacity() -> None:
    """
    Bounded memory and nothing lost: the tool waits instead.
    """

    async def scenario() -> tuple[int, int, list[int]]:
        kept = journal(capacity_bytes=20 * COST)

        async def produce() -> None:
            for _ in range(1000):
                fill(kept, 1)
                await kept.room()
            kept.append(completed())

        with kept.reader() as events:
            producing = asyncio.create_task(produce())
            await asyncio.sleep(0)
            stalled_at = kept.kept_bytes
            sequences = [events.sequence async for _ in events]
        await producing
        return stalled_at, kept.window_bytes, sequences

    stalled_at, window_bytes, sequences = asyncio.run(scenario())

    assert window_bytes < stalled_at <= window_bytes + COST
    assert list(range(1, 1002)) == sequences


def test_a_reader_waits_for_nobody_and_the_fastest_one_decides() -> None:
    """
    One stalled watcher must not stop the caller's own stream.
    """

    async def scenario() -> tuple[bool, bool]:
        kept = journal(capacity_bytes=20 * COST)
        with kept.reader(), kept.reader() as fast:
            fill(kept, 15)
            both_behind = kept.is_full()
            for _ in range(15):
                await anext(fast)
            return both_behind, kept.is_full()

    assert asyncio.run(scenario()) == (True, False)


@pytest.mark.parametrize("leaves", [True, False], ids=["the reader leaves", "it is released"])
def test_a_waiting_producer_goes_on_when(*, leaves: bool) -> None:
    """
    A stream that breaks, and a wall clock that runs out, must not leave the producer stuck.
    """

    async def scenario() -> bool:
        kept = journal(capacity_bytes=20 * COST)
        with kept.reader() as events:
            fill(kept, 15)
            waiting = asyncio.create_task(kept.room())
            await asyncio.sleep(0)
            assert not waiting.done()
            if leaves:
                kept.left(events)
            else:
                kept.release()
            await asyncio.wait_for(waiting, DEADLINE)
            return kept.is_full()

    assert not asyncio.run(scenario())


def test_a_reader_ahead_of_the_last_event_holds_nobody_back() -> None:
    """
    `after_sequence` comes from outside; a wrong one must not stop the tool.
    """

    async def scenario() -> bool:
        kept = journal(capacity_bytes=20 * COST)
        with kept.reader(after_sequence=2**64 - 1):
            fill(kept, 100)
            return kept.is_full()

    assert not asyncio.run(scenario())
