"""
ToolExecutionService over a real server and a real channel: starting executions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scripted_executor import (
    ScriptedExecutor,
    completed,
    kinds,
    output,
    run,
    started,
)
from served import all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.refusals import NoCapacity

if TYPE_CHECKING:
    from google.rpc.error_details_pb2 import ErrorInfo


def test_execute_streams_the_events_of_one_execution() -> None:
    """
    The main job.
    """

    async def scenario() -> list[pb.ExecuteResponse]:
        script = [started(), output(b"hello"), completed(b'{"a":1}')]
        async with serving(ScriptedExecutor(*script)) as service:
            return await all_of(service.stub.Execute(pb.ExecuteRequest(tool="t", call_id="c")))

    events = run(scenario())

    assert kinds(events) == ["accepted", "started", "output", "finished"]
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert {event.call_id for event in events} == {"c"}
    assert events[0].accepted.tool == "t"
    assert events[0].accepted.limits.memory_bytes == 512 * 2**20
    assert events[-1].finished.result_json == b'{"a":1}'


def test_run_answers_with_the_ending_and_the_tails() -> None:
    """
    The fast path tells all that a short call needs.
    """
    denied = pb.ExecuteResponse(denied=pb.Denied(operation="open", target="/etc/shadow"))
    script = [
        output(b"out"),
        output(b"err", pb.OUTPUT_STREAM_STDERR),
        denied,
        completed(b"1"),
    ]

    async def scenario() -> pb.RunResponse:
        async with serving(ScriptedExecutor(*script)) as service:
            response: pb.RunResponse = await service.stub.Run(pb.RunRequest(tool="t", call_id="c"))
            assert response.execution_id == service.last().execution_id
            return response

    response = run(scenario())

    assert (response.stdout_tail, response.stderr_tail) == (b"out", b"err")
    assert [denial.target for denial in response.denials] == ["/etc/shadow"]
    assert response.finished.result_json == b"1"
    assert response.call_id == "c"


def test_a_result_of_20_mebibytes_reaches_a_client_with_default_settings() -> None:
    """
    Inline it would break the stream; `Run` says how large it is, and `Watch` delivers it.
    """
    result = b"x" * (20 * 2**20)

    async def scenario() -> tuple[pb.RunResponse, list[pb.WatchResponse]]:
        async with serving(ScriptedExecutor(completed(result))) as service:
            response = await service.stub.Run(pb.RunRequest(tool="t"))
            request = pb.WatchRequest(execution_id=response.execution_id)
            return response, await all_of(service.stub.Watch(request))

    response, events = run(scenario())

    assert response.finished.result_json == b""
    assert response.finished.result_bytes == len(result)
    assert b"".join(event.result_chunk.data for event in events) == result


@pytest.mark.parametrize("method", ["Execute", "Run"])
def test_validate_only_runs_nothing(method: str) -> None:
    """
    AIP-163: everything is checked, and nothing happens.
    """

    async def scenario() -> tuple[pb.Finished, int, int]:
        async with serving(ScriptedExecutor(completed(b"1"))) as service:
            if method == "Execute":
                call = pb.ExecuteRequest(tool="t", validate_only=True, request_id="1")
                events = await all_of(service.stub.Execute(call))
                assert kinds(events) == ["accepted", "finished"]
                finished = events[-1].finished
            else:
                same = pb.RunRequest(tool="t", validate_only=True, request_id="1")
                finished = (await service.stub.Run(same)).finished
            listed = await service.stub.ListExecutions(pb.ListExecutionsRequest())
            return finished, len(service.executor.begun), len(listed.executions)

    finished, begun, listed = run(scenario())

    assert finished.outcome.HasField("completed")
    assert not finished.result_json
    assert not finished.replayed
    assert (begun, listed) == (0, 0)


@pytest.mark.parametrize("method", ["Execute", "Run"])
def test_the_deadline_of_the_rpc_reaches_admission(method: str) -> None:
    """
    Nothing propagates deadlines for us.
    """

    async def scenario() -> list[float | None]:
        seen = []
        async with serving(ScriptedExecutor(completed())) as service:
            for timeout in (5.0, None):
                if method == "Execute":
                    await all_of(service.stub.Execute(pb.ExecuteRequest(tool="t"), timeout=timeout))
                else:
                    await service.stub.Run(pb.RunRequest(tool="t"), timeout=timeout)
                seen.append(service.admission.time_remaining)
        return seen

    with_deadline, without = run(scenario())

    assert with_deadline is not None
    assert 4 < with_deadline < 6
    assert without is None


def test_a_refused_call_starts_nothing() -> None:
    """
    A refusal is a status with its reason, and leaves no execution.
    """

    async def scenario() -> tuple[str, ErrorInfo, int]:
        async with serving(ScriptedExecutor()) as service:
            service.admission.refusal = NoCapacity(1.0)
            code, info = await refusal(all_of(service.stub.Execute(pb.ExecuteRequest(tool="t"))))
            return code, info, len(service.executor.begun)

    code, info, begun = run(scenario())

    assert (code, info.reason, info.domain) == ("UNAVAILABLE", "NO_CAPACITY", "toolcell")
    assert begun == 0


def test_a_draining_server_refuses_new_calls() -> None:
    """
    Retry is safe, and the client is told so.
    """

    async def scenario() -> tuple[str, ErrorInfo]:
        async with serving(ScriptedExecutor(completed())) as service:
            await service.executions.drain(0)
            return await refusal(service.stub.Run(pb.RunRequest(tool="t")))

    code, info = run(scenario())

    assert (code, info.reason) == ("UNAVAILABLE", "DRAINING")
