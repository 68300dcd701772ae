"""
The store of executions: each ends exactly once, and can be ended at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import (
    DEADLINE,
    SOON,
    ScriptedExecutor,
    StopsShort,
    completed,
    execution,
    finished,
    follow,
    kinds,
    lost,
    output,
    run,
    started,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.endings import exceeded
from toolcell_server.executions import Executions, Keeping
from toolcell_server.limits import Limits
from toolcell_server.refusals import Draining, UnknownExecution

if TYPE_CHECKING:
    from toolcell_server.record import Record


ENDINGS = {
    "the tool completes": ([completed(b"1")], "completed"),
    "a limit ends it": ([started(), finished(exceeded("wall", Limits()))], "exceeded"),
    "its zygote dies": ([started(), lost(pb.LOST_REASON_ZYGOTE_DIED)], "lost"),
    "the executor raises": ([started(), RuntimeError("secret detail")], "lost"),
    "the executor raises before its first event": ([OSError(24, "too many files")], "lost"),
    "the executor is cancelled from inside": ([started(), asyncio.CancelledError()], "lost"),
    "the executor returns without an ending": ([started(), StopsShort()], "lost"),
    "the executor raises something that is no Exception": ([KeyError()], "lost"),
}


@pytest.mark.parametrize(("script", "expected"), ENDINGS.values(), ids=ENDINGS.keys())
def test_the_ending_comes_last_and_once_whatever_happens(script: list[Any], expected: str) -> None:
    """
    A stream without an ending leaves its caller waiting for ever.
    """

    async def scenario() -> tuple[list[pb.ExecuteResponse], Record]:
        executions = Executions(ScriptedExecutor(*script), Keeping())
        record = executions.start(execution())
        return await follow(record), record

    events, record = run(scenario())

    assert kinds(events)[0] == "accepted"
    assert kinds(events).count("finished") == 1
    assert kinds(events)[-1] == "finished"
    assert events[-1].finished.outcome.WhichOneof("kind") == expected
    assert events[-1].finished.HasField("usage")
    assert record.state == pb.EXECUTION_STATE_FINISHED


def test_a_task_cancelled_before_its_first_step_still_ends() -> None:
    """
    Then not one line of the coroutine runs, and only the done-callback is left to tell the end.
    """

    async def scenario() -> tuple[Record, list[str]]:
        executions = Executions(ScriptedExecutor(), Keeping())
        closed: list[str] = []
        resources = contextlib.ExitStack()
        resources.callback(closed.append, "closed")
        record = executions.start(execution(resources=resources))
        (task,) = executions._tasks
        task.cancel()
        await record.ended.wait()
        return record, closed

    record, closed = run(scenario())

    assert record.finished().outcome.lost.reason == pb.LOST_REASON_INTERNAL
    assert closed == ["closed"]


def test_what_admission_opened_is_closed_once_and_after_the_cell() -> None:
    """
    A descriptor closed twice closes somebody else's.
    """

    async def scenario() -> tuple[list[str], str]:
        executor = ScriptedExecutor(completed())
        executions = Executions(executor, Keeping())
        resources = contextlib.ExitStack()
        resources.callback(executor.closed.append, "resources")
        call = execution(resources=resources)
        executions.start(call)
        await executions.drain(DEADLINE)
        call.close()
        return executor.closed, call.execution_id

    closed, execution_id = run(scenario())

    assert closed == [execution_id, "resources"]


def test_cancel_ends_an_execution_and_may_be_repeated() -> None:
    """
    Idempotent: a client that does not know whether its cancel arrived sends it again.
    """

    async def scenario() -> list[pb.Execution]:
        executions = Executions(ScriptedExecutor(started()), Keeping())
        call = execution()
        executions.start(call)
        cancels = [executions.cancel(call.execution_id) for _ in range(2)]
        records = await asyncio.gather(*cancels)
        records.append(await executions.cancel(call.execution_id))
        return [record.to_proto() for record in records]

    first, *others = run(scenario())

    assert first.state == pb.EXECUTION_STATE_FINISHED
    assert first.outcome.cancelled.reason == pb.CANCEL_REASON_REQUESTED
    assert others == [first, first]


def test_cancel_leaves_an_ending_as_it_is() -> None:
    """
    The outcome is whatever came first.
    """

    async def scenario() -> pb.Execution:
        executions = Executions(ScriptedExecutor(completed()), Keeping())
        call = execution()
        await executions.start(call).ended.wait()
        return (await executions.cancel(call.execution_id)).to_proto()

    assert run(scenario()).outcome.HasField("completed")


def test_an_unknown_execution_is_refused() -> None:
    """
    NOT_FOUND, not an error of the server.
    """

    async def scenario() -> None:
        executions = Executions(ScriptedExecutor(), Keeping())
        with pytest.raises(UnknownExecution):
            executions.get("nothing")
        with pytest.raises(UnknownExecution):
            await executions.cancel("nothing")

    run(scenario())


def test_a_drain_waits_for_what_ends_and_ends_what_does_not() -> None:
    """
    A restart must neither hang nor break what would have ended in time.
    """

    async def scenario() -> list[str | None]:
        executor = ScriptedExecutor()
        executions = Executions(executor, Keeping())
        calls = [execution(), execution()]
        records = [executions.start(call) for call in calls]
        draining = asyncio.create_task(executions.drain(SOON))
        await asyncio.sleep(0)
        executor.tell(calls[0], completed())
        refused = execution()
        refused.resources.callback(executor.closed.append, "refused")
        with pytest.raises(Draining):
            executions.start(refused)
        assert executor.closed == ["refused"]
        await draining
        assert executions.running == 0
        return [record.finished().outcome.WhichOneof("kind") for record in records]

    assert run(scenario()) == ["completed", "cancelled"]


def test_a_thousand_executions_leave_nothing_behind() -> None:
    """
    No task, no timer, no waiting reader.
    """

    async def scenario() -> tuple[int, list[Any]]:
        executor = ScriptedExecutor(started(), output(b"1"), completed())
        executions = Executions(executor, Keeping())
        for _ in range(10):
            records = [executions.start(execution()) for _ in range(100)]
            await asyncio.gather(*(follow(record) for record in records))
        await executions.drain(DEADLINE)
        await asyncio.sleep(0)  # the last done-callbacks
        loop: Any = asyncio.get_running_loop()
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert len(executor.closed) == 1000
        return len(others), [timer for timer in timers if "toolcell" in repr(timer)]

    assert run(scenario()) == (0, [])
