"""
What a server that was started anew tells of executions that ended before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from restarting import restarted
from scripted_executor import ScriptedExecutor, completed, kinds, output, run, started
from served import all_of, refusal
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.records.bygone import Bygone
from toolcell_server.results import INLINE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from google.rpc.error_details_pb2 import ErrorInfo

DENIED = pb.ExecuteResponse(denied=pb.Denied(operation="open", target="/etc/shadow"))
SCRIPT = (started(), output(b"some words\n"), DENIED, completed(b'{"a":1}'))
REQUEST: dict[str, Any] = {"tool": "t", "request_id": "1", "call_id": "c"}


def before_and_after(
    folder: Path, *script: Any, bounds: dict[str, Any] | None = None
) -> tuple[list[Any], list[Any], pb.RunResponse, int]:
    """
    The events of a call, those of its replay by the next server, and what `Run` replays; and how
    often it ran there.
    """

    async def scenario() -> tuple[list[Any], list[Any], pb.RunResponse, int]:
        request = pb.ExecuteRequest(**REQUEST)
        async with restarted(folder, ScriptedExecutor(*script), bounds=bounds) as (service, _):
            first = await all_of(service.stub.Execute(request))
        async with restarted(folder, ScriptedExecutor(*script), bounds=bounds) as (service, _):
            second = await all_of(service.stub.Execute(request))
            answer = await service.stub.Run(pb.RunRequest(**REQUEST))
            return first, second, answer, len(service.executor.begun)

    return run(scenario())


def test_the_same_call_gets_the_same_stream_and_does_not_run(tmp_path: Path) -> None:
    """
    Byte for byte, but for the flag.
    """
    first, second, answer, begun = before_and_after(tmp_path, *SCRIPT)
    assert (False, True) == (first[-1].finished.replayed, second[-1].finished.replayed)
    first[-1].finished.replayed = True

    assert first == second
    assert (b"some words\n", [DENIED.denied]) == (answer.stdout_tail, list(answer.denials))
    assert (first[-1].finished, "c") == (answer.finished, answer.call_id)
    assert first[0].execution_id == answer.execution_id
    assert 0 == begun


def test_a_result_in_chunks_is_replayed_in_chunks(tmp_path: Path) -> None:
    result = b'"' + b"x" * INLINE_BYTES + b'"'
    first, second, answer, _ = before_and_after(tmp_path, completed(result))

    assert kinds(first) == kinds(second)
    assert result == b"".join(event.result_chunk.data for event in second)
    assert (len(result), False) == (answer.finished.result_bytes, answer.finished.result_left_out)


@pytest.mark.parametrize("size", [2000, INLINE_BYTES + 1], ids=["inline", "in chunks"])
def test_a_result_above_the_bound_is_left_out_and_the_ending_says_so(
    tmp_path: Path, size: int
) -> None:
    """
    A caller must not take it for a tool that returned nothing.
    """

    async def scenario() -> tuple[pb.Finished, pb.Finished]:
        bounds = {"result_bytes": 1000}
        script = ScriptedExecutor(completed(b"x" * size))
        async with restarted(tmp_path, script, bounds=bounds) as (service, _):
            in_memory = await service.stub.Run(pb.RunRequest(**REQUEST))
            again = await service.stub.Run(pb.RunRequest(**REQUEST))
            assert (True, False) == (again.finished.replayed, again.finished.result_left_out)
        async with restarted(tmp_path, script, bounds=bounds) as (service, _):
            answer = await service.stub.Run(pb.RunRequest(**REQUEST))
            known = service.executions.get(in_memory.execution_id)
            last = known.to_proto().last_sequence
            request = pb.WatchRequest(execution_id=known.execution_id, after_sequence=last - 1)
            [event] = await all_of(service.stub.Watch(request))
            return answer.finished, event.finished

    finished, watched = run(scenario())

    assert (True, size, b"") == (
        *(finished.result_left_out, finished.result_bytes),
        finished.result_json,
    )
    assert "is gone" in finished.outcome.message
    assert finished.outcome.HasField("completed")
    assert (True, False) == (watched.result_left_out, watched.replayed)


def test_events_of_much_output_are_kept_from_a_sequence_on_and_that_is_told(tmp_path: Path) -> None:
    """
    Never a gap: OUT_OF_RANGE names the first that is kept, and from there all come.
    """
    pieces = [output(bytes([65 + number]) * 8000) for number in range(20)]

    async def scenario() -> tuple[list[Any], str, ErrorInfo, list[Any], pb.RunResponse]:
        request = pb.ExecuteRequest(**REQUEST)
        script = ScriptedExecutor(started(), *pieces, completed())
        async with restarted(tmp_path, script) as (service, _):
            first = await all_of(service.stub.Execute(request))
        async with restarted(tmp_path, script) as (service, _):
            code, info = await refusal(all_of(service.stub.Execute(request)))
            after = int(info.metadata["earliest_sequence"]) - 1
            watch = pb.WatchRequest(
                execution_id=info.metadata["execution_id"], after_sequence=after
            )
            rest = await all_of(service.stub.Watch(watch))
            answer = await service.stub.Run(pb.RunRequest(**REQUEST))
            return first, code, info, rest, answer

    first, code, info, rest, answer = run(scenario())

    assert ("OUT_OF_RANGE", "EVENTS_EXPIRED") == (code, info.reason)
    assert [each.sequence for each in first[-len(rest) :]] == [each.sequence for each in rest]
    assert 5 < len(rest) < len(first)
    assert b"".join(piece.output.data for piece in pieces)[-65536:] == answer.stdout_tail


def test_a_watcher_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[Any], list[Any], list[Any]]:
        async with restarted(tmp_path, ScriptedExecutor(*SCRIPT)) as (service, _):
            first = await all_of(service.stub.Execute(pb.ExecuteRequest(tool="t")))
        async with restarted(tmp_path, ScriptedExecutor()) as (service, _):
            watch = pb.WatchRequest(execution_id=first[0].execution_id, after_sequence=2)
            rest = await all_of(service.stub.Watch(watch))
            watch.after_sequence = first[-1].sequence
            return first, rest, await all_of(service.stub.Watch(watch))

    first, rest, nothing = run(scenario())

    sent, again = ([each.SerializeToString() for each in events] for events in (first[2:], rest))
    assert sent == again
    assert [] == nothing


def test_it_is_known_by_its_id_and_cancelling_it_is_no_error(tmp_path: Path) -> None:
    """
    Without a `request_id` too.
    """

    async def scenario() -> tuple[pb.Execution, pb.Execution, pb.Execution]:
        async with restarted(tmp_path, ScriptedExecutor(*SCRIPT)) as (service, _):
            request = pb.RunRequest(tool="t", call_id="c")
            execution_id = (await service.stub.Run(request)).execution_id
            get = pb.GetExecutionRequest(execution_id=execution_id)
            first = (await service.stub.GetExecution(get)).execution
        async with restarted(tmp_path, ScriptedExecutor()) as (service, _):
            second = (await service.stub.GetExecution(get)).execution
            cancel = pb.CancelExecutionRequest(execution_id=execution_id)
            assert isinstance(service.executions.get(execution_id), Bygone)
            return first, second, (await service.stub.CancelExecution(cancel)).execution

    first, second, cancelled = run(scenario())

    assert first == second == cancelled


def test_a_list_goes_on_over_a_restart_newest_first(tmp_path: Path) -> None:
    """
    A page token of before the restart, too.
    """

    async def scenario() -> tuple[list[str], list[str]]:
        ids: list[str] = []
        listed: list[str] = []
        request = pb.ListExecutionsRequest(page_size=2, tool="t")
        for _ in range(3):
            async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, _):
                for tool in ("t", "other", "t"):
                    answer = await service.stub.Run(pb.RunRequest(tool=tool))
                    ids += [answer.execution_id] if tool == "t" else []
        while not listed or request.page_token:
            async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, _):
                page = await service.stub.ListExecutions(request)
                listed += [one.execution_id for one in page.executions]
                request.page_token = page.next_page_token
                await service.stub.Run(pb.RunRequest(tool="t"))
        return ids, listed

    ids, listed = run(scenario())

    assert ids[::-1] == listed


def test_another_payload_is_refused_after_a_restart_as_before(tmp_path: Path) -> None:
    async def scenario() -> tuple[str, ErrorInfo]:
        async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, _):
            await service.stub.Run(pb.RunRequest(**REQUEST))
        async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, _):
            other = pb.RunRequest(**REQUEST, arguments_json=b'{"a":1}')
            return await refusal(service.stub.Run(other))

    code, info = run(scenario())

    assert ("INVALID_ARGUMENT", "REQUEST_ID_REUSED") == (code, info.reason)


def test_a_call_that_was_refused_leaves_no_trace(tmp_path: Path) -> None:
    """
    It may be sent again with the same `request_id`, and then runs.
    """

    async def scenario() -> tuple[int, bool]:
        async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, one):
            service.admission.refusal = RuntimeError("refused")
            await refusal(service.stub.Run(pb.RunRequest(**REQUEST)))
            rows = len(one.rows())
            service.admission.refusal = None
            answer = await service.stub.Run(pb.RunRequest(**REQUEST))
            return rows, answer.finished.replayed

    assert (0, False) == run(scenario())
