"""
Events between a cell and the one who takes them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scripted_executor import output, run
from taking import everything
from toolcell_server.outbox import MAXIMUM_BYTES, MAXIMUM_EVENTS, Outbox


def filled(room: Any, count: int, size: int) -> Outbox:
    outbox = Outbox(room)
    for number in range(count):
        outbox.put(output(b"%d" % number), size)
    return outbox


@pytest.mark.parametrize(
    ("count", "size"),
    [(MAXIMUM_EVENTS, 1), (1, MAXIMUM_BYTES)],
    ids=["many events", "many bytes"],
)
def test_whoever_was_told_that_it_is_full_is_told_of_room_once(count: int, size: int) -> None:
    """
    Told never he would stop for ever, told at each event he would be woken for nothing.
    """

    async def scenario() -> tuple[bool, int, int]:
        told: list[None] = []
        outbox = filled(lambda: told.append(None), count, size)
        full = outbox.is_full()
        while outbox.take() is not None:
            pass
        during = len(told)  # not while the consumer has its turn
        await asyncio.sleep(0)
        return full, during, len(told)

    assert (True, 0, 1) == run(scenario())


def test_what_was_put_before_the_end_is_taken_before_it() -> None:
    """
    The last words of a cell come just before its end.
    """

    async def scenario() -> list[bytes]:
        outbox = filled(lambda: None, 3, 1)
        outbox.end()
        return [event.output.data async for event in everything(outbox)]

    assert [b"0", b"1", b"2"] == run(scenario())


def test_an_error_reaches_whoever_waits() -> None:
    """
    It was raised in a callback, of which nobody would hear.
    """

    async def scenario() -> None:
        outbox = Outbox(lambda: None)
        waiting = asyncio.create_task(outbox.get())
        await asyncio.sleep(0)
        outbox.end(ValueError("as told"))
        await waiting

    with pytest.raises(ValueError, match="as told"):
        run(scenario())
