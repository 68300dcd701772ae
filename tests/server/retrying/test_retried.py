"""
Retries of our own failures: once, and only where nothing can have happened.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest
from scripted_executor import ScriptedExecutor, completed, execution, lost, output, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.retrying.retried import RetriedExecutor

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

ZYGOTE_DIED = lost(pb.LOST_REASON_ZYGOTE_DIED)
CELL_DIED = lost(pb.LOST_REASON_CELL_DIED)


async def run(base: ScriptedExecutor, call: Execution) -> list[pb.ExecuteResponse]:
    return [event async for event in RetriedExecutor(base).execute(call)]


def kinds(events: list[pb.ExecuteResponse]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


@pytest.mark.parametrize("lost", [ZYGOTE_DIED, CELL_DIED], ids=["zygote died", "cell died"])
def test_a_tool_that_only_reads_is_run_once_more(lost: pb.ExecuteResponse) -> None:
    """
    The caller need not know that our side failed, but is told.
    """

    async def scenario() -> tuple[list[pb.ExecuteResponse], list[int]]:
        base = ScriptedExecutor()
        call = execution(effects="read_only")
        base.tell(call, started(), output(b"half"), lost, started(), completed(b"7"))
        return await run(base, call), [begun.attempt for begun in base.begun]

    events, attempts = asyncio.run(scenario())

    assert kinds(events) == ["started", "output", "retrying", "started", "finished"]
    assert attempts == [1, 2]
    assert events[2].retrying.attempt == 1
    assert lost.finished.outcome == events[2].retrying.outcome
    assert events[-1].finished.result_json == b"7"


def test_it_is_run_once_more_and_not_for_ever() -> None:
    """
    A zygote that dies of this very call must not be killed again and again.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        return await run(ScriptedExecutor(ZYGOTE_DIED), execution(effects="read_only"))

    events = asyncio.run(scenario())

    assert kinds(events) == ["retrying", "finished"]
    assert events[-1].finished.outcome.lost.reason == pb.LOST_REASON_ZYGOTE_DIED


@pytest.mark.parametrize(
    ("effects", "ending"),
    [
        ("writes", ZYGOTE_DIED),
        ("destructive", ZYGOTE_DIED),
        ("read_only", lost(pb.LOST_REASON_WALL_NOT_BUILT)),
        ("read_only", lost(pb.LOST_REASON_INTERNAL)),
        ("read_only", lost(pb.LOST_REASON_NOT_COMMITTED)),
        ("read_only", completed()),
    ],
    ids=[
        "a tool that writes is not run twice",
        "a destructive tool is not run twice",
        "a wall that cannot be built is reported",
        "an error of the server's own is reported",
        "a failed commit is reported",
        "a tool that completed is left alone",
    ],
)
def test_nothing_else_is_retried(effects: str, ending: pb.ExecuteResponse) -> None:
    """
    An effect that may have happened must not happen twice.
    """

    async def scenario() -> tuple[list[pb.ExecuteResponse], int]:
        base = ScriptedExecutor(ending)
        return await run(base, execution(effects=effects)), len(base.begun)

    events, begun = asyncio.run(scenario())

    assert kinds(events) == ["finished"]
    assert ending.finished.outcome == events[0].finished.outcome
    assert begun == 1


def test_a_stopped_execution_is_not_retried() -> None:
    """
    Nobody waits for it any more.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        call = execution(effects="read_only")
        call.stop.request(pb.CANCEL_REASON_REQUESTED)
        return await run(ScriptedExecutor(ZYGOTE_DIED), call)

    assert kinds(asyncio.run(scenario())) == ["finished"]


def test_the_first_cell_is_gone_before_the_second_begins() -> None:
    """
    Two cells of one execution would share its grant.
    """

    async def scenario() -> list[int]:
        base = ScriptedExecutor(ZYGOTE_DIED)
        return [
            len(base.closed)
            async for event in RetriedExecutor(base).execute(execution(effects="read_only"))
            if event.HasField("retrying")
        ]

    assert asyncio.run(scenario()) == [1]


def test_every_attempt_shares_what_was_opened() -> None:
    """
    Closing between two attempts would take the files away from the second.
    """

    async def scenario() -> tuple[int, bool]:
        base = ScriptedExecutor(ZYGOTE_DIED)
        call = execution(effects="read_only")
        await run(base, call)
        shared = all(begun.resources is call.resources for begun in base.begun)
        stops = {id(begun.stop) for begun in (*base.begun, call)}
        assert dataclasses.replace(call, attempt=2) == base.begun[1]
        return len(stops), shared

    assert asyncio.run(scenario()) == (1, True)
