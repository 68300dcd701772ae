"""
ToolExecutionService over a real server and a real channel: streams that break or stall.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from scripted_executor import (
    SOON,
    ScriptedExecutor,
    completed,
    output,
    run,
    stalled,
    started,
)
from served import Service, all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from google.rpc.error_details_pb2 import ErrorInfo

FULL_STREAM = 16 * 2**20  # bytes; half a journal, and what gRPC itself holds back


async def lost_while_silent(service: Service) -> None:
    """
    The handler is suspended at an `await` of the journal.
    """
    stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
    await stream.read()
    stream.cancel()


async def lost_while_flooding(service: Service) -> None:
    """
    The handler is suspended at its `yield`: gRPC takes no more.
    """
    stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
    await stream.read()
    service.tell(*(output(b"x" * 65536) for _ in range(400)))
    await stalled(service.last())
    stream.cancel()


async def lost_with_its_connection(service: Service) -> None:
    stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
    await stream.read()
    await service.channel.close()


async def lost_by_its_deadline(service: Service) -> None:
    stream = service.stub.Execute(pb.ExecuteRequest(tool="t"), timeout=4 * SOON)
    await stream.read()
    with pytest.raises(grpc.aio.AioRpcError):
        await all_of(stream)


async def lost_watch(service: Service) -> None:
    await lost_while_silent(service)
    stream = service.stub.Watch(pb.WatchRequest(execution_id=service.last().execution_id))
    await stream.read()
    stream.cancel()


async def lost_run(service: Service) -> None:
    call = service.stub.Run(pb.RunRequest(tool="t"))
    await service.executor.has_begun.wait()
    call.cancel()


LOSSES: dict[str, Callable[[Service], Coroutine[Any, Any, None]]] = {
    "a silent stream is cancelled": lost_while_silent,
    "a stalled stream is cancelled": lost_while_flooding,
    "the connection closes": lost_with_its_connection,
    "the deadline of the stream passes": lost_by_its_deadline,
    "the watch that re-attached is cancelled": lost_watch,
    "a Run is cancelled": lost_run,
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
def test_an_execution_ends_after_its_grace_when(
    lose: Callable[[Service], Coroutine[Any, Any, None]],
) -> None:
    """
    Cancellation reaches a handler in three forms; each must let go of the execution.
    """

    async def scenario() -> tuple[pb.Outcome, int]:
        async with serving(ScriptedExecutor(), reattach_grace_seconds=SOON) as service:
            await lose(service)
            record = service.last()
            await record.ended.wait()
            return record.finished().outcome, record.attachments.count

    outcome, attached = run(scenario())

    assert outcome.cancelled.reason == pb.CANCEL_REASON_STREAM_LOST
    assert attached == 0


def test_a_detached_execution_goes_on_without_its_stream() -> None:
    """
    Long work is started by callers who do not stay.
    """

    async def scenario() -> pb.Outcome:
        async with serving(ScriptedExecutor(), reattach_grace_seconds=0) as service:
            stream = service.stub.Execute(pb.ExecuteRequest(tool="t", detached=True))
            await stream.read()
            stream.cancel()
            record = service.last()
            grace_over = asyncio.Event()
            asyncio.get_running_loop().call_later(2 * SOON, grace_over.set)
            await grace_over.wait()
            service.tell(completed())
            await record.ended.wait()
            return record.finished().outcome

    assert run(scenario()).HasField("completed")


@pytest.mark.parametrize("position", [1, 2, 4], ids=lambda position: f"after_{position}_events")
def test_a_watcher_gets_every_event_that_the_broken_stream_did_not(position: int) -> None:
    """
    The connection dies without a word, and a new one goes on where it broke.
    """

    async def scenario() -> list[pb.ExecuteResponse | pb.WatchResponse]:
        async with serving(ScriptedExecutor()) as service:
            stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
            events = [await stream.read()]
            service.tell(started(), output(b"1"), output(b"2"))
            events += [await stream.read() for _ in range(position - 1)]
            await service.channel.close()
            service.tell(output(b"3"), completed(b"4"))
            port = service.port
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub: Any = ToolExecutionServiceStub(channel)
                request = pb.WatchRequest(
                    execution_id=events[0].execution_id, after_sequence=events[-1].sequence
                )
                return events + await all_of(stub.Watch(request))

    events = run(scenario())

    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert b"".join(event.output.data for event in events) == b"123"
    assert events[-1].finished.result_json == b"4"


def test_a_client_that_stops_reading_stops_the_tool_and_loses_nothing() -> None:
    """
    Memory stays bounded end to end: gRPC's own buffers, and half a journal.
    """
    flood = [output(b"x" * 65536) for _ in range(640)]  # 40 MiB

    async def scenario() -> tuple[int, int]:
        async with serving(ScriptedExecutor()) as service:
            stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
            await stream.read()
            service.tell(*flood, completed())
            await stalled(service.last())
            produced = service.executor.resumed[service.last().execution_id] * 65536
            received = sum([len(event.output.data) for event in await all_of(stream)])
            return produced, received

    produced, received = run(scenario())

    assert produced < FULL_STREAM
    assert received == 40 * 2**20


def test_events_that_are_gone_are_refused_by_the_earliest_kept() -> None:
    """
    The caller learns where it can go on.
    """

    async def scenario() -> tuple[str, ErrorInfo, list[int]]:
        flood = [output(b"x" * 1000) for _ in range(100)]
        async with serving(ScriptedExecutor(*flood, completed()), journal_bytes=20_000) as service:
            response = await service.stub.Run(pb.RunRequest(tool="t"))
            request = pb.WatchRequest(execution_id=response.execution_id)
            code, info = await refusal(all_of(service.stub.Watch(request)))
            request.after_sequence = int(info.metadata["earliest_sequence"]) - 1
            rest = await all_of(service.stub.Watch(request))
            return code, info, [event.sequence for event in rest]

    code, info, rest = run(scenario())

    assert (code, info.reason) == ("OUT_OF_RANGE", "EVENTS_EXPIRED")
    assert rest == list(range(int(info.metadata["earliest_sequence"]), 103))


def test_two_watchers_follow_one_execution() -> None:
    """
    And see what its own caller sees.
    """

    async def scenario() -> list[list[bytes]]:
        async with serving(ScriptedExecutor()) as service:
            stream = service.stub.Execute(pb.ExecuteRequest(tool="t"))
            first = await stream.read()
            request = pb.WatchRequest(execution_id=first.execution_id)
            watching = [asyncio.create_task(all_of(service.stub.Watch(request))) for _ in range(2)]
            service.tell(started(), output(b"1"), completed())
            seen = [[first, *await all_of(stream)], *await asyncio.gather(*watching)]
            return [[event.SerializeToString() for event in events] for events in seen]

    own, *watched = run(scenario())

    assert len(own) == 4
    assert watched == [own, own]
