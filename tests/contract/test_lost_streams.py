"""
A stream that nobody takes up again: its execution ends, in time and with all it had printed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from breaking import AT_ONCE, Broken, BrokenWhileQueued, start_chatty
from processes import await_first_end, descendants, named
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Client

SECONDS = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_chatty(tmp_path_factory.mktemp("server")) as one:
        yield one


def cells(server: Server) -> list[int]:
    """
    Every process of every cell, spares too.
    """
    [zygote] = named(server.process.pid, "zygote")
    return descendants(zygote)[1:]


def ended_state(client: Client, execution_id: str) -> pb.Execution:
    """
    An execution once it has ended, without watching it: to watch is to come back.
    """
    until = time.monotonic() + SECONDS
    while True:
        execution = client.get_execution(execution_id)
        if execution.state == pb.EXECUTION_STATE_FINISHED:
            return execution
        assert time.monotonic() < until
        time.sleep(0.02)  # the server tells of it only who watches


def test_nobody_comes_back_and_the_execution_ends(server: Server, client: Client) -> None:
    """
    What nobody waits for must not use up the host; what it printed is kept all the same.
    """
    broken = Broken(server, "sleep_on")
    running = client.get_execution(broken.execution_id).state
    # Whoever watches is somebody: so wait for its cell, the only one that can end.
    await_first_end(cells(server), SECONDS)
    result = client.watch(broken.execution_id).result()

    assert pb.EXECUTION_STATE_RUNNING == running
    assert "cancelled(stream_lost)" == result.label
    assert b"before\n" == result.stdout


def test_a_detached_execution_needs_nobody(server: Server, client: Client) -> None:
    """
    The caller said so; it can be read when it is over, from its first event on.
    """
    broken = Broken(server, "count_slowly", '{"to": 150}', detached=True)
    await_first_end(cells(server), SECONDS)
    events = list(client.watch(broken.execution_id))

    assert events[0].HasField("accepted")
    assert events[-1].finished.outcome.HasField("completed")
    assert 150 == len(b"".join(event.output.data for event in events).split())


def test_an_execution_that_waits_and_is_left_never_runs(server: Server, client: Client) -> None:
    """
    Work that nobody wants any more is not begun.
    """
    occupying = [client.execute("sleep_on") for _ in range(AT_ONCE)]
    for stream in occupying:
        next(event for event in stream if event.HasField("progress"))
    left = BrokenWhileQueued(server, "sleep_on")
    queued = client.get_execution(left.execution_id).state
    # It ends by its own grace, while all who could make room for it go on.
    ended = ended_state(client, left.execution_id)
    for stream in occupying:
        stream.close()
    events = list(client.watch(left.execution_id))

    assert pb.EXECUTION_STATE_QUEUED == queued
    assert pb.CANCEL_REASON_STREAM_LOST == ended.outcome.cancelled.reason
    assert not [event for event in events if event.HasField("started")]


def test_a_cancelled_execution_is_gone_when_the_answer_comes(
    server: Server, client: Client
) -> None:
    """
    CancelExecution does not mean "soon"; what was printed before is kept, and to ask again is no
    error.
    """
    stream = client.execute("sleep_on")
    next(event for event in stream if event.HasField("progress"))
    before = cells(server)
    first = client.cancel(stream.execution_id)
    second = client.cancel(stream.execution_id)
    result = stream.result()

    assert pb.EXECUTION_STATE_FINISHED == first.state == second.state
    assert "cancelled(requested)" == result.label
    assert b"before\n" == result.stdout
    await_first_end(before, 0)


def test_the_deadline_of_an_rpc_is_that_of_its_execution(server: Server, client: Client) -> None:
    """
    Who will not be there for the ending need not be worked for.
    """
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = ToolExecutionServiceStub(channel)
        call = stub.Execute(pb.ExecuteRequest(tool="sleep_on"), timeout=1)
        execution_id = next(call).execution_id
        with pytest.raises(grpc.RpcError):
            list(call)
    execution = ended_state(client, execution_id)

    assert pb.LIMIT_TIMEOUT == execution.outcome.exceeded.limit
