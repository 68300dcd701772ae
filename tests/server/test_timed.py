"""
The deadline of a call: one place decides that it has passed.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from scripted_executor import DEADLINE, ScriptedExecutor, completed, execution, output, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.timed import TimedExecutor

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

SOON = 0.05  # seconds


async def run(executor: TimedExecutor, call: Execution) -> list[pb.ExecuteResponse]:
    async with asyncio.timeout(DEADLINE):
        return [event async for event in executor.execute(call)]


def due_in(seconds: float) -> Execution:
    return execution(deadline=time.monotonic() + seconds)


def test_an_execution_still_running_at_its_deadline_has_exceeded_its_timeout() -> None:
    """
    The caller learns which limit it was, and keeps the output until then.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        base = ScriptedExecutor(started(), output(b"half"))
        events = await run(TimedExecutor(base), due_in(SOON))
        assert len(base.closed) == 1
        return events

    events = asyncio.run(scenario())

    assert [event.WhichOneof("event") for event in events] == ["started", "output", "finished"]
    exceeded = events[-1].finished.outcome.exceeded
    assert exceeded.limit == pb.LIMIT_TIMEOUT
    assert 0 < exceeded.allowed <= SOON + 1


def test_a_deadline_that_passes_in_the_queue_runs_nothing() -> None:
    """
    The timeout covers the time before the run as well.
    """

    async def scenario() -> tuple[list[pb.ExecuteResponse], list[Execution]]:
        base = ScriptedExecutor(completed())
        return await run(TimedExecutor(base), due_in(-1)), base.begun

    events, begun = asyncio.run(scenario())

    assert [event.finished.outcome.exceeded.limit for event in events] == [pb.LIMIT_TIMEOUT]
    assert not begun


def test_a_deadline_ends_an_execution_whose_reader_stalls() -> None:
    """
    The generator is suspended at a `yield` then, so the timer must not need it.
    """

    async def scenario() -> bool:
        call = due_in(SOON)
        events = TimedExecutor(ScriptedExecutor(output(b"x"))).execute(call)
        await anext(events)  # and nobody asks for more
        await asyncio.wait_for(call.stop.event.wait(), DEADLINE)
        return (await anext(events)).finished.outcome.HasField("exceeded")

    assert asyncio.run(scenario())


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (pb.CANCEL_REASON_REQUESTED, pb.CANCEL_REASON_REQUESTED),
        (pb.CANCEL_REASON_STREAM_LOST, pb.CANCEL_REASON_STREAM_LOST),
        (pb.CANCEL_REASON_DRAINED, pb.CANCEL_REASON_DRAINED),
    ],
    ids=["cancelled by its caller", "left by its caller", "drained"],
)
def test_the_first_cause_wins(
    reason: pb.CancelReason.ValueType, expected: pb.CancelReason.ValueType
) -> None:
    """
    A cancel before the deadline stays a cancel, even if its ending comes after the deadline.
    """

    async def scenario() -> pb.Outcome:
        call = due_in(SOON)
        base = ScriptedExecutor(output(b"x"))
        events = TimedExecutor(base).execute(call)
        await anext(events)
        call.stop.request(reason)
        passed = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * SOON, passed.set)
        await passed.wait()
        return (await anext(events)).finished.outcome

    outcome = asyncio.run(scenario())

    assert expected == outcome.cancelled.reason


def test_an_ending_of_its_own_is_kept() -> None:
    """
    Completing in time is completing.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        return await run(TimedExecutor(ScriptedExecutor(completed(b"1"))), due_in(DEADLINE))

    (event,) = asyncio.run(scenario())

    assert event.finished.outcome.HasField("completed")
    assert event.finished.result_json == b"1"


def test_without_a_deadline_nothing_is_timed() -> None:
    """
    The wall limit alone bounds such a call.
    """

    async def scenario() -> Execution:
        call = execution()
        await run(TimedExecutor(ScriptedExecutor(completed())), call)
        return call

    assert asyncio.run(scenario()).stop.reason is None


def test_closing_it_closes_the_executor_underneath() -> None:
    """
    Otherwise the cell would live until the garbage collector came by.
    """

    async def scenario() -> tuple[list[str], str]:
        call = due_in(DEADLINE)
        base = ScriptedExecutor(output(b"x"))
        events = TimedExecutor(base).execute(call)
        await anext(events)
        await events.aclose()  # type: ignore[attr-defined]  # it is a generator
        return base.closed, call.execution_id

    closed, execution_id = asyncio.run(scenario())

    assert [execution_id] == closed
