"""
ToolExecutionService over a real server and a real channel: calls that are repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import (
    ScriptedExecutor,
    completed,
    kinds,
    run,
    started,
)
from served import all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from google.rpc.error_details_pb2 import ErrorInfo


@pytest.mark.parametrize("again", ["Execute", "Run"])
def test_a_repeated_call_is_replayed_and_says_so(again: str) -> None:
    """
    The client did not get the answer and asks again: the tool must not run again.
    """

    async def scenario() -> tuple[pb.Finished, pb.Finished, int]:
        async with serving(ScriptedExecutor(completed(b"1"))) as service:
            request = pb.ExecuteRequest(tool="t", request_id="1", arguments_json=b"{}")
            first = await all_of(service.stub.Execute(request))
            if again == "Execute":
                events = await all_of(service.stub.Execute(request))
                assert events[:-1] == first[:-1]
                second = events[-1].finished
            else:
                same = pb.RunRequest(tool="t", request_id="1", call_id="another")
                second = (await service.stub.Run(same)).finished
            return first[-1].finished, second, len(service.executor.begun)

    first, second, begun = run(scenario())

    assert (first.replayed, second.replayed) == (False, True)
    assert second.result_json == b"1"
    assert begun == 1


def test_a_call_that_is_repeated_in_flight_joins_the_stream_from_its_start() -> None:
    """
    Better than a conflict: the client wants the events.
    """

    async def scenario() -> tuple[list[Any], list[Any], int]:
        async with serving(ScriptedExecutor()) as service:
            request = pb.ExecuteRequest(tool="t", request_id="1")
            stream = service.stub.Execute(request)
            first = [await stream.read()]
            service.tell(started())
            first.append(await stream.read())
            joined = service.stub.Execute(request)
            second = [await joined.read()]
            service.tell(completed())
            first += await all_of(stream)
            second += await all_of(joined)
            return first, second, len(service.executor.begun)

    first, second, begun = run(scenario())

    assert kinds(first) == ["accepted", "started", "finished"]
    assert first == second
    assert begun == 1


def test_a_validation_has_nothing_to_do_with_its_request_id() -> None:
    """
    It ran nothing that could be replayed, and asks for nothing that could be.
    """

    async def scenario() -> list[bool]:
        async with serving(ScriptedExecutor(completed())) as service:
            request = pb.RunRequest(tool="t", request_id="1")
            checked = pb.RunRequest(tool="t", request_id="1", validate_only=True)
            calls = [checked, request, checked, request]
            return [(await service.stub.Run(call)).finished.replayed for call in calls]

    assert run(scenario()) == [False, False, False, True]


DIFFERENCES: dict[str, dict[str, Any]] = {
    "other arguments": {"arguments_json": b'{"a": 2}'},
    "another version": {"version": "2"},
    "lower limits": {"limits": pb.Limits(processes=1)},
    "narrower grants": {"grants": pb.Grants(domains=["example.org:443"])},
    "another isolation": {"minimum_isolation": pb.ISOLATION_LEVEL_FULL},
    "another option": {"detached": True},
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_a_request_id_is_refused_with(difference: dict[str, Any]) -> None:
    """
    It would be the answer to another question.
    """

    async def scenario() -> tuple[str, ErrorInfo]:
        async with serving(ScriptedExecutor(completed())) as service:
            fields: dict[str, Any] = {"tool": "t", "request_id": "1", "arguments_json": b'{"a": 1}'}
            await service.stub.Run(pb.RunRequest(**fields))
            return await refusal(service.stub.Run(pb.RunRequest(**{**fields, **difference})))

    code, info = run(scenario())

    assert (code, info.reason) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
