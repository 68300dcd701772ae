"""
ToolExecutionService over a real server and a real channel: what is known of executions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import (
    ScriptedExecutor,
    completed,
    run,
    started,
)
from served import all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from google.rpc.error_details_pb2 import ErrorInfo


def test_an_unknown_execution_is_not_found() -> None:
    """
    By each RPC that names one.
    """

    async def scenario() -> list[tuple[str, str]]:
        refusals = []
        async with serving(ScriptedExecutor()) as service:
            stub = service.stub
            for call in (
                all_of(stub.Watch(pb.WatchRequest(execution_id="x"))),
                stub.CancelExecution(pb.CancelExecutionRequest(execution_id="x")),
                stub.GetExecution(pb.GetExecutionRequest(execution_id="x")),
            ):
                code, info = await refusal(call)
                refusals.append((code, info.reason))
        return refusals

    assert run(scenario()) == [("NOT_FOUND", "UNKNOWN_EXECUTION")] * 3


def test_a_cancelled_execution_has_ended_when_the_answer_comes() -> None:
    """
    And cancelling it again is no error.
    """

    async def scenario() -> tuple[pb.Execution, pb.Execution, list[Any]]:
        async with serving(ScriptedExecutor(started())) as service:
            stream = service.stub.Execute(pb.ExecuteRequest(tool="t", call_id="c"))
            first = await stream.read()
            request = pb.CancelExecutionRequest(execution_id=first.execution_id)
            cancelled = (await service.stub.CancelExecution(request)).execution
            await service.stub.CancelExecution(request)
            get = pb.GetExecutionRequest(execution_id=first.execution_id)
            known = (await service.stub.GetExecution(get)).execution
            return cancelled, known, await all_of(stream)

    cancelled, known, events = run(scenario())

    assert cancelled.state == pb.EXECUTION_STATE_FINISHED
    assert cancelled.outcome.cancelled.reason == pb.CANCEL_REASON_REQUESTED
    assert cancelled.last_sequence == events[-1].sequence
    assert (known.call_id, known.earliest_sequence) == ("c", 1)
    assert known.started_time.ToNanoseconds() <= known.finished_time.ToNanoseconds()
    assert events[-1].finished.outcome == cancelled.outcome


def test_executions_are_listed_newest_first_in_pages() -> None:
    """
    And what comes between two pages shifts nothing.
    """

    async def scenario() -> tuple[list[str], list[str]]:
        async with serving(ScriptedExecutor(completed())) as service:
            stub = service.stub
            ids = [(await stub.Run(pb.RunRequest(tool="t"))).execution_id for _ in range(5)]
            listed: list[str] = []
            request = pb.ListExecutionsRequest(page_size=2)
            while not listed or request.page_token:
                page = await stub.ListExecutions(request)
                listed += [one.execution_id for one in page.executions]
                request.page_token = page.next_page_token
                await stub.Run(pb.RunRequest(tool="t"))
            return ids, listed

    ids, listed = run(scenario())

    assert listed == ids[::-1]


FILTERS: dict[str, tuple[dict[str, Any], int]] = {
    "all": ({}, 3),
    "of one tool": ({"tool": "a"}, 2),
    "that run": ({"state": pb.EXECUTION_STATE_RUNNING}, 1),
    "that have ended": ({"state": pb.EXECUTION_STATE_FINISHED}, 2),
    "that wait": ({"state": pb.EXECUTION_STATE_QUEUED}, 0),
    "of one principal": ({"principal": "somebody"}, 0),
}


@pytest.mark.parametrize(("fields", "count"), FILTERS.values(), ids=FILTERS.keys())
def test_executions_are_listed(fields: dict[str, Any], count: int) -> None:
    """
    Filters narrow a list of thousands.
    """

    async def scenario() -> int:
        async with serving(ScriptedExecutor()) as service:
            for tool, script in (("a", [completed()]), ("b", [completed()]), ("a", [started()])):
                stream = service.stub.Execute(pb.ExecuteRequest(tool=tool))
                await stream.read()
                service.tell(*script)
                await stream.read()
            request = pb.ListExecutionsRequest(**fields)
            return len((await service.stub.ListExecutions(request)).executions)

    assert run(scenario()) == count


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_size": -1}, "INVALID_FIELD"),
        ({"page_token": "nonsense"}, "BAD_PAGE_TOKEN"),
        ({"page_token": "other filters"}, "BAD_PAGE_TOKEN"),
    ],
    ids=["a negative size", "a malformed token", "a token of other filters"],
)
def test_a_list_is_refused_for(fields: dict[str, Any], reason: str) -> None:
    """
    INVALID_ARGUMENT, as the contract says, and not an error of the server.
    """

    async def scenario() -> tuple[str, ErrorInfo]:
        async with serving(ScriptedExecutor(completed())) as service:
            for _ in range(2):
                await service.stub.Run(pb.RunRequest(tool="t"))
            if fields.get("page_token") == "other filters":
                narrow = pb.ListExecutionsRequest(page_size=1, tool="t")
                page = await service.stub.ListExecutions(narrow)
                fields["page_token"] = page.next_page_token
            return await refusal(service.stub.ListExecutions(pb.ListExecutionsRequest(**fields)))

    code, info = run(scenario())

    assert (code, info.reason) == ("INVALID_ARGUMENT", reason)
