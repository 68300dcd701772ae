"""
Callers that come and go.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from scripted_executor import (
    SOON,
    ScriptedExecutor,
    completed,
    execution,
    follow,
    kinds,
    output,
    run,
    started,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping


@pytest.mark.parametrize("position", range(4), ids=lambda position: f"after_{position}_events")
def test_a_caller_that_reattaches_loses_nothing(position: int) -> None:
    """
    The stream may break between any two events.
    """

    async def scenario() -> list[list[int]]:
        executor = ScriptedExecutor()
        executions = Executions(executor, Keeping())
        call = execution()
        record = executions.start(call)
        executor.tell(call, started(), output(b"1"), output(b"2"))
        first = []
        with record.attachments, record.journal.reader() as events:
            for _ in range(position):
                await anext(events)
                first.append(events.sequence)
        executor.tell(call, output(b"3"), completed())
        return [first, [event.sequence for event in await follow(record, position)]]

    first, rest = run(scenario())

    assert first + rest == [1, 2, 3, 4, 5, 6]


def test_an_execution_that_nobody_reattaches_to_is_cancelled() -> None:
    """
    Otherwise every broken connection would leave a tool running.
    """

    async def scenario() -> pb.Outcome:
        keeping = Keeping(reattach_grace_seconds=SOON)
        record = Executions(ScriptedExecutor(started()), keeping).start(execution())
        with record.attachments:
            pass
        await record.ended.wait()
        return record.finished().outcome

    assert run(scenario()).cancelled.reason == pb.CANCEL_REASON_STREAM_LOST


@pytest.mark.parametrize("detached", [True, False], ids=["detached", "still watched"])
def test_an_execution_goes_on_without_its_first_caller_if(*, detached: bool) -> None:
    """
    A watcher keeps it attached; `detached` needs nobody.
    """

    async def scenario() -> pb.Outcome:
        executor = ScriptedExecutor()
        keeping = Keeping(reattach_grace_seconds=0)
        call = execution(detached=detached)
        record = Executions(executor, keeping).start(call)
        with contextlib.ExitStack() as watcher:
            if not detached:
                watcher.enter_context(record.attachments)
            with record.attachments:
                pass
            grace_over = asyncio.Event()
            asyncio.get_running_loop().call_later(SOON, grace_over.set)
            await grace_over.wait()
            executor.tell(call, completed())
            await record.ended.wait()
        return record.finished().outcome

    assert run(scenario()).HasField("completed")


def test_a_caller_that_comes_back_in_time_stops_the_grace() -> None:
    """
    The grace must not end an execution under a new reader.
    """

    async def scenario() -> pb.Outcome:
        executor = ScriptedExecutor()
        call = execution()
        keeping = Keeping(reattach_grace_seconds=SOON)
        record = Executions(executor, keeping).start(call)
        with record.attachments:
            pass
        with record.attachments:
            grace_over = asyncio.Event()
            asyncio.get_running_loop().call_later(2 * SOON, grace_over.set)
            await grace_over.wait()
            executor.tell(call, completed())
            await record.ended.wait()
        return record.finished().outcome

    assert run(scenario()).HasField("completed")


def test_two_watchers_see_the_same() -> None:
    """
    Any number of watchers may follow one execution.
    """

    async def scenario() -> list[list[pb.ExecuteResponse]]:
        executor = ScriptedExecutor()
        call = execution()
        record = Executions(executor, Keeping()).start(call)
        watching = [asyncio.create_task(follow(record)) for _ in range(2)]
        executor.tell(call, started(), output(b"1"), completed())
        return await asyncio.gather(*watching)

    first, second = run(scenario())

    assert kinds(first) == ["accepted", "started", "output", "finished"]
    assert first == second
