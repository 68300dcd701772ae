"""
A running execution: its caller may stall, its executor may hang or fail.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from scripted_executor import (
    DEADLINE,
    SOON,
    ScriptedExecutor,
    completed,
    execution,
    kinds,
    output,
    run,
    stalled,
    started,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping
from toolcell_server.limits import Limits

if TYPE_CHECKING:
    from toolcell_server.record import Record


def test_an_error_of_our_own_is_logged_under_an_id_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    The operator finds the cause by the id; the caller learns nothing of the server's inside.
    """

    async def scenario() -> pb.Outcome:
        executions = Executions(ScriptedExecutor(RuntimeError("secret detail")), Keeping())
        record = executions.start(execution())
        await record.ended.wait()
        return record.finished().outcome

    outcome = run(scenario())

    (logged,) = caplog.records
    assert isinstance(logged.args, tuple)
    assert str(logged.args[0]) in outcome.message
    assert "secret detail" not in str(outcome)
    assert "secret detail" in caplog.text


def test_an_executor_that_does_not_stop_is_given_up() -> None:
    """
    CancelExecution promises a state of FINISHED, also when something hangs.
    """

    async def scenario() -> tuple[pb.Outcome, int]:
        executions = Executions(ScriptedExecutor(deaf=True), Keeping(ending_seconds=SOON))
        call = execution()
        executions.start(call)
        record = await executions.cancel(call.execution_id)
        await executions.drain(DEADLINE)
        return record.to_proto().outcome, executions.running

    outcome, running = run(scenario())

    assert outcome.lost.reason == pb.LOST_REASON_INTERNAL
    assert running == 0


FLOOD = [output(b"x" * 65536) for _ in range(400)]  # 25 MiB


def test_a_stalled_reader_stops_the_tool_within_bounded_memory() -> None:
    """
    A tool must not be able to fill the server's memory by writing faster than its caller reads.
    """

    async def scenario() -> tuple[int, int]:
        executor = ScriptedExecutor(*FLOOD, completed())
        call = execution()
        record = Executions(executor, Keeping()).start(call)
        with record.attachments, record.journal.reader() as events:
            await stalled(record)
            stalled_at = executor.resumed[call.execution_id] * 65536
            received = [
                len(pb.ExecuteResponse.FromString(data).output.data) async for data in events
            ]
        return stalled_at, sum(received)

    stalled_at, received = run(scenario())

    assert 3.9 * 2**20 < stalled_at < 4.2 * 2**20
    assert received == 400 * 65536


@pytest.mark.parametrize("cause", ["wall limit", "cancel"])
def test_a_stalled_execution_is_still_ended_by_its(cause: str) -> None:
    """
    A caller who stops reading must not keep a tool alive.
    """

    async def scenario() -> bool:
        executor = ScriptedExecutor(started(), *FLOOD, completed())
        call = execution(limits=Limits(wall_seconds=SOON if cause == "wall limit" else 60))
        executions = Executions(executor, Keeping())
        record = executions.start(call)
        with record.attachments, record.journal.reader():
            await stalled(record)
            if cause == "cancel":
                await executions.cancel(call.execution_id)
            await record.ended.wait()
        return record.journal.kept_bytes <= record.journal.capacity_bytes

    assert run(scenario())


@pytest.mark.parametrize("detached", [True, False], ids=["it is detached", "nobody reads"])
def test_the_tool_waits_for_nobody_if(*, detached: bool) -> None:
    """
    Then the oldest events give way instead.
    """

    async def scenario() -> Record:
        executor = ScriptedExecutor(*FLOOD, completed())
        record = Executions(executor, Keeping()).start(execution(detached=detached))
        with contextlib.ExitStack() as reading:
            if detached:
                reading.enter_context(record.journal.reader())
            await record.ended.wait()
        return record

    journal = run(scenario()).journal

    assert journal.earliest > 200
    assert journal.kept_bytes <= 8 * 2**20


def test_a_silent_execution_beats_while_somebody_is_attached() -> None:
    """
    Proxies cut idle streams, and a caller wants to know that it still runs.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        executor = ScriptedExecutor()
        call = execution()
        record = Executions(executor, Keeping(heartbeat_seconds=0.01)).start(call)
        with record.attachments, record.journal.reader() as events:
            data = [await anext(events) for _ in range(4)]
        executor.tell(call, completed())
        await record.ended.wait()
        return [pb.ExecuteResponse.FromString(one) for one in data]

    events = run(scenario())

    assert kinds(events) == ["accepted", "heartbeat", "heartbeat", "heartbeat"]
    elapsed = [event.heartbeat.elapsed.ToNanoseconds() for event in events[1:]]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] >= 10_000_000


def test_a_silent_execution_beats_for_nobody() -> None:
    """
    A detached run of days would fill its journal with heartbeats.
    """

    async def scenario() -> int:
        executor = ScriptedExecutor()
        call = execution(detached=True)
        record = Executions(executor, Keeping(heartbeat_seconds=0.005)).start(call)
        silence_over = asyncio.Event()
        asyncio.get_running_loop().call_later(SOON, silence_over.set)
        await silence_over.wait()
        last = record.journal.last
        executor.tell(call, completed())
        await record.ended.wait()
        return last

    assert run(scenario()) == 1
