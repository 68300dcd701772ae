"""
`ExecuteBatch` over a real server and a real channel: order, tags, ends, and readers that stall.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from scripted_executor import (
    SOON,
    ScriptedExecutor,
    completed,
    finished,
    output,
    run,
    stalled,
    started,
)
from served import Service, all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.refusals import NotPermitted
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Sized

    from toolcell_server.execution import Execution

FAILED = finished(pb.Outcome(failed=pb.Failed()))


def batch(*call_ids: str, **fields: Any) -> pb.ExecuteBatchRequest:
    calls = [pb.ExecuteRequest(tool="t", call_id=each) for each in call_ids]
    return pb.ExecuteBatchRequest(calls=calls, **fields)


def states(event: pb.ExecuteBatchResponse) -> dict[str, str]:
    return {
        each.call_id: pb.BatchCallState.Name(each.state).removeprefix("BATCH_CALL_STATE_")
        for each in event.finished.calls
    }


async def whole(
    request: pb.ExecuteBatchRequest, executor: ScriptedExecutor
) -> list[pb.ExecuteBatchResponse]:
    async with serving(executor) as service:
        return await all_of(service.stub.ExecuteBatch(request))


def test_events_are_tagged_in_the_order_of_their_call_and_the_summary_is_last() -> None:
    executor = ScriptedExecutor(started(), output(b"x"), completed())
    events = run(whole(batch("a", "b", "", "c"), executor))
    by_call = defaultdict(list)
    for event in events[:-1]:
        by_call[event.call_id].append(event.execution)

    assert {"a", "b", "3", "c"} == set(by_call)
    for call_id, told in by_call.items():
        assert [1, 2, 3, 4] == [event.sequence for event in told]
        assert {call_id} == {event.call_id for event in told}
        assert 1 == len({event.execution_id for event in told})
        assert told[-1].HasField("finished")
    assert events[-1].finished.completed
    assert ["a", "b", "3", "c"] == list(states(events[-1]))
    assert {"COMPLETED"} == set(states(events[-1]).values())


def test_one_after_the_other_means_in_the_order_of_the_request() -> None:
    executor = ScriptedExecutor(started(), completed())
    events = run(whole(batch("b", "a", "c", max_parallel=1), executor))

    assert ["b"] * 3 + ["a"] * 3 + ["c"] * 3 + [""] == [event.call_id for event in events]


def test_no_more_run_at_once_than_was_asked_for() -> None:
    async def scenario() -> list[int]:
        async with serving(executor := ScriptedExecutor()) as service:
            stream = service.stub.ExecuteBatch(batch(*"abcdef", max_parallel=2))
            seen = []
            for number in range(1, 7):
                await until(partial(counted, executor.begun, min(number + 1, 6)))
                seen.append(len(executor.begun) - len(executor.closed))
                executor.tell(executor.begun[number - 1], completed())
                await until(partial(counted, executor.closed, number))
            await all_of(stream)
            return seen

    assert [2, 2, 2, 2, 2, 1] == run(scenario())


def counted(these: Sized, number: int) -> bool:
    return len(these) == number


class RefusesOdd:
    """
    Admits every other call.
    """

    def __init__(self, service: Service) -> None:
        self._admit = service.admission.admit
        self._count = 0

    async def __call__(self, request: Any, *arguments: Any, **named: Any) -> Execution:
        self._count += 1
        if self._count % 2:
            raise NotPermitted("odd")
        return await self._admit(request, *arguments, **named)


def test_a_refusal_is_of_one_call_and_says_why_as_a_status_does() -> None:
    async def scenario() -> list[pb.ExecuteBatchResponse]:
        async with serving(ScriptedExecutor(completed())) as service:
            service.admission.admit = RefusesOdd(service)  # type: ignore[method-assign]
            return await all_of(service.stub.ExecuteBatch(batch(*"abcd", max_parallel=1)))

    events = run(scenario())
    refused = {event.call_id: event.refused for event in events if event.HasField("refused")}
    info = ErrorInfo()
    refused["a"].details[0].Unpack(info)

    assert {"a", "c"} == set(refused)
    assert "NOT_PERMITTED" == info.reason
    assert 7 == refused["a"].code
    assert ["REFUSED", "COMPLETED", "REFUSED", "COMPLETED"] == list(states(events[-1]).values())
    assert not events[-1].finished.completed


def test_a_fault_of_ours_is_of_one_call_and_leaks_nothing() -> None:
    async def scenario() -> list[pb.ExecuteBatchResponse]:
        async with serving(ScriptedExecutor()) as service:
            service.admission.refusal = RuntimeError("a secret")
            return await all_of(service.stub.ExecuteBatch(batch("a")))

    refused, last = run(scenario())

    assert 13 == refused.refused.code
    assert b"secret" not in refused.SerializeToString()
    assert {"a": "REFUSED"} == states(last)


def test_after_the_first_failure_no_more_begin_and_none_is_missing() -> None:
    executor = ScriptedExecutor(FAILED)
    events = run(whole(batch(*"abc", max_parallel=1, stop_on_failure=True), executor))
    not_run = [event for event in events if event.HasField("not_run")]

    assert 1 == len(executor.begun)
    assert ["b", "c"] == [event.call_id for event in not_run]
    assert {"a"} == {event.not_run.failed_call_id for event in not_run}
    assert ["FAILED", "NOT_RUN", "NOT_RUN"] == list(states(events[-1]).values())


def test_a_failure_that_stops_lets_what_runs_go_on() -> None:
    async def scenario() -> list[pb.ExecuteBatchResponse]:
        async with serving(executor := ScriptedExecutor()) as service:
            stream = service.stub.ExecuteBatch(batch(*"abc", max_parallel=2, stop_on_failure=True))
            await until(lambda: len(executor.begun) == 2)
            executor.tell(executor.begun[0], FAILED)
            await until(lambda: len(executor.closed) == 1)
            executor.tell(executor.begun[1], completed())
            return await all_of(stream)

    assert ["FAILED", "COMPLETED", "NOT_RUN"] == list(states(run(scenario())[-1]).values())


def test_without_stopping_all_run() -> None:
    executor = ScriptedExecutor(FAILED)
    events = run(whole(batch(*"abc", max_parallel=1), executor))

    assert ["FAILED"] * 3 == list(states(events[-1]).values())


def test_the_same_batch_again_replays_its_calls() -> None:
    request = batch("a", "b")
    for call in request.calls:
        call.request_id = f"request-{call.call_id}"

    async def scenario() -> list[list[pb.ExecuteBatchResponse]]:
        async with serving(executor := ScriptedExecutor(completed())) as service:
            both = [await all_of(service.stub.ExecuteBatch(request)) for _ in range(2)]
            assert 2 == len(executor.begun)
            return both

    first, second = run(scenario())
    replayed = [[e.execution.finished.replayed for e in events[:-1]] for events in (first, second)]

    assert not any(replayed[0])
    assert 2 == sum(replayed[1])
    assert first[-1] == second[-1]


async def lost_and_cancelled(service: Service) -> None:
    """
    A call whose stream is lost is cancelled: so much for the grace of those that were lost before.
    """
    stream = service.stub.ExecuteBatch(batch("c"))
    await stream.read()
    record = service.last()
    stream.cancel()
    await record.ended.wait()
    assert record.finished().outcome.HasField("cancelled")


@pytest.mark.parametrize("detached", [False, True])
def test_a_lost_stream_ends_what_runs_unless_it_is_detached(detached: bool) -> None:
    async def scenario() -> tuple[pb.Outcome, int]:
        executor = ScriptedExecutor()
        async with serving(executor, reattach_grace_seconds=SOON) as service:
            request = batch("a", "b", max_parallel=1)
            request.calls[0].detached = detached
            stream = service.stub.ExecuteBatch(request)
            await stream.read()
            stream.cancel()
            record = service.last()
            await until(lambda: record.attachments.count == 0)
            if detached:
                await lost_and_cancelled(service)
                executor.tell(executor.begun[0], completed())
            await record.ended.wait()
            begun = [each.call_id for each in executor.begun if each.call_id != "c"]
            return record.finished().outcome, len(begun)

    outcome, begun = run(scenario())

    assert ("completed" if detached else "cancelled") == outcome.WhichOneof("kind")
    assert 1 == begun


def test_a_reader_that_stalls_holds_the_tools_back() -> None:
    async def scenario() -> int:
        async with serving(executor := ScriptedExecutor()) as service:
            stream = service.stub.ExecuteBatch(batch("a"))
            await stream.read()
            service.tell(*(output(b"x" * 65536) for _ in range(400)), completed())
            await stalled(service.last())
            held = executor.resumed[service.last().execution_id]
            events = await all_of(stream)
            assert 402 == len(events) - 0  # 400 outputs, the ending and the summary
            return held

    assert 0 < run(scenario()) < 400


def test_a_slow_reader_of_a_detached_call_gets_its_ending_all_the_same() -> None:
    async def scenario() -> list[pb.ExecuteBatchResponse]:
        async with serving(ScriptedExecutor(), journal_bytes=2**20) as service:
            request = batch("a")
            request.calls[0].detached = True
            stream = service.stub.ExecuteBatch(request)
            await stream.read()
            service.tell(*(output(b"x" * 65536) for _ in range(400)), completed())
            await service.last().ended.wait()
            return await all_of(stream)

    events = run(scenario())
    sequences = [event.execution.sequence for event in events[:-1]]

    assert sequences == sorted(set(sequences))
    assert len(sequences) < 400
    assert events[-2].execution.HasField("finished")


def test_a_batch_that_is_wrong_is_refused_as_a_whole() -> None:
    async def scenario() -> tuple[str, ErrorInfo]:
        async with serving(ScriptedExecutor()) as service:
            return await refusal(service.stub.ExecuteBatch(batch("a", "a")).read())

    code, info = run(scenario())

    assert ("INVALID_ARGUMENT", "INVALID_FIELD") == (code, info.reason)
    assert "calls[1].call_id" == info.metadata["field"]
