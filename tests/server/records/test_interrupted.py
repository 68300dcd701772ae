"""
Executions over which the server died: nobody knows their outcome, and nothing runs again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from restarting import kept, restarted
from scripted_executor import (
    ScriptedExecutor,
    completed,
    execution,
    kinds,
    output,
    run,
    started,
)
from served import all_of
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from pathlib import Path

    from restarting import Kept
    from served import Service

REQUEST: dict[str, Any] = {"tool": "echo", "request_id": "1", "call_id": "c"}


async def die_over(folder: Path, *events: Any, request: pb.ExecuteRequest | None = None) -> str:
    """
    Die over a call whose tool has told these events; its execution_id.
    """
    async with restarted(folder, ScriptedExecutor(), dies=True) as (service, _):
        stream = service.stub.Execute(request or pb.ExecuteRequest(**REQUEST))
        accepted = await stream.read()
        for event in events:
            service.tell(event)
            await stream.read()
        stream.cancel()
    return str(accepted.execution_id)


def test_the_same_call_is_told_that_its_outcome_is_unknown(tmp_path: Path) -> None:
    """
    As often as it is sent, by however many servers, and it never runs.
    """

    async def scenario() -> tuple[str, list[list[Any]], int]:
        execution_id = await die_over(tmp_path, started())
        streams, begun = [], 0
        for _ in range(2):
            executor = ScriptedExecutor(completed())
            async with restarted(tmp_path, executor) as (service, _):
                streams.append(await all_of(service.stub.Execute(pb.ExecuteRequest(**REQUEST))))
                begun += len(executor.begun)
        return execution_id, streams, begun

    execution_id, [first, second], begun = run(scenario())
    finished = first[-1].finished

    assert (["accepted", "finished"], 0) == (kinds(first), begun)
    assert first == second
    assert [(1, execution_id, "c"), (2, execution_id, "c")] == [
        (event.sequence, event.execution_id, event.call_id) for event in first
    ]
    assert pb.LOST_REASON_OUTCOME_UNKNOWN == finished.outcome.lost.reason
    assert (True, False) == (finished.replayed, finished.outcome.retryable)
    assert "new request_id" in finished.outcome.hint


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"effects": "read_only"}, True),
        ({"effects": "writes", "idempotent": True}, True),
        ({"effects": "writes", "idempotent": True, "fallback": "other"}, False),
        ({"effects": "writes"}, False),
        ({"effects": "destructive"}, False),
    ],
    ids=["reads", "may run twice", "has a fallback", "writes", "destroys"],
)
def test_only_what_changes_nothing_by_running_twice_may_be_made_again(
    tmp_path: Path, tool: dict[str, Any], expected: bool
) -> None:
    """
    As another call: the hint says so.
    """

    async def begin(one: Kept) -> None:
        executions = Executions(ScriptedExecutor(), Keeping(), one.remembering)
        declared = Tool(name="echo", bundle="test", version="1", **tool)
        call = execution(request_id="1")
        object.__setattr__(call, "tool", declared)
        executions.start(call, b"fingerprint")
        one.close()
        await executions.drain(0)

    with kept(tmp_path) as one:
        run(begin(one))
    with kept(tmp_path) as one:
        [lost] = one.recovered
    outcome = lost.summary.outcome

    assert expected == outcome.retryable
    assert "new request_id" in outcome.hint


def test_a_watcher_gets_the_ending_as_the_next_event_after_the_last_that_it_saw(
    tmp_path: Path,
) -> None:
    """
    Nobody knows how many events it saw; a gap or an end without an ending would leave it waiting.
    """

    async def scenario() -> tuple[list[Any], list[Any], list[Any]]:
        execution_id = await die_over(tmp_path, started(), *[output(b"x")] * 5)
        async with restarted(tmp_path, ScriptedExecutor()) as (service, _):
            watch = pb.WatchRequest(execution_id=execution_id, after_sequence=7)
            late = await all_of(service.stub.Watch(watch))
            watch.after_sequence = 2**64 - 1
            absurd = await all_of(service.stub.Watch(watch))
            watch.after_sequence = 0
            return late, absurd, await all_of(service.stub.Watch(watch))

    late, absurd, whole = run(scenario())

    assert [(8, "finished")] == [(event.sequence, event.WhichOneof("event")) for event in late]
    assert [] == absurd
    assert ["accepted", "finished"] == kinds(whole)


def test_it_is_listed_as_finished_and_known_by_its_id(tmp_path: Path) -> None:
    async def scenario() -> tuple[str, list[pb.Execution], pb.Execution]:
        execution_id = await die_over(tmp_path, started())
        async with restarted(tmp_path, ScriptedExecutor()) as (service, _):
            request = pb.ListExecutionsRequest(state=pb.EXECUTION_STATE_FINISHED)
            page = await service.stub.ListExecutions(request)
            get = pb.GetExecutionRequest(execution_id=execution_id)
            return execution_id, page.executions, (await service.stub.GetExecution(get)).execution

    execution_id, [listed], known = run(scenario())

    assert listed == known
    assert (execution_id, pb.EXECUTION_STATE_FINISHED) == (known.execution_id, known.state)
    assert pb.LOST_REASON_OUTCOME_UNKNOWN == known.outcome.lost.reason
    assert known.accepted_time.ToNanoseconds() > 0
    assert known.HasField("finished_time")


def test_without_a_request_id_there_is_no_start_and_nothing_to_be_told(tmp_path: Path) -> None:
    """
    Only its ending would have been written.
    """

    async def scenario() -> int:
        await die_over(tmp_path, started(), request=pb.ExecuteRequest(tool="echo"))
        async with restarted(tmp_path, ScriptedExecutor()) as (_, one):
            return len(one.recovered) + len(one.rows())

    assert 0 == run(scenario())


def test_the_start_is_written_before_the_tool_runs(tmp_path: Path) -> None:
    """
    And is committed: no transaction is open.
    """
    seen: list[tuple[int, bool]] = []

    class Looking(ScriptedExecutor):
        def __init__(self, one: Kept) -> None:
            super().__init__(completed())
            self.one = one

        async def execute(self, execution: Any) -> Any:
            unfinished = self.one.ledger.unfinished()
            seen.append((len(unfinished), self.one.database._connection.in_transaction))
            async for event in super().execute(execution):
                yield event

    async def scenario(one: Kept) -> None:
        executions = Executions(Looking(one), Keeping(), one.remembering)
        record = executions.start(execution(request_id="1"), b"fingerprint")
        await record.ended.wait()
        seen.append((len(one.ledger.unfinished()), one.database._connection.in_transaction))

    with kept(tmp_path) as one:
        run(scenario(one))

    assert [(1, False), (0, False)] == seen


def test_a_drain_ends_what_runs_and_that_is_remembered(tmp_path: Path) -> None:
    """
    Only a server that dies leaves outcomes unknown.
    """

    async def started_at(service: Service) -> str:
        stream = service.stub.Execute(pb.ExecuteRequest(**REQUEST))
        return str((await stream.read()).execution_id)

    async def scenario() -> pb.Finished:
        async with restarted(tmp_path, ScriptedExecutor()) as (service, _):
            await started_at(service)
        async with restarted(tmp_path, ScriptedExecutor()) as (service, one):
            assert [] == one.recovered
            answer = await service.stub.Run(pb.RunRequest(**REQUEST))
            return pb.Finished.FromString(answer.finished.SerializeToString())

    assert pb.CANCEL_REASON_DRAINED == run(scenario()).outcome.cancelled.reason
