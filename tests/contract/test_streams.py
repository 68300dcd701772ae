"""
Long streams: whole, in bounded memory, and nobody waits for another one's reader.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from breaking import SETTINGS
from processes import forget_peak, resident_peak
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 2**20
PIECE = 65536
LONG_PIECES = 8192  # half a GiB
STALLED_PIECES = 1024
GROWTH = 64 * MEBIBYTE  # of the server, over all that one stream may make it keep
NUMBERS = 20_000
AMPLE = f"""
{SETTINGS}
[limits.ceilings]
output_bytes = {2 * LONG_PIECES * PIECE}

[limits.defaults]
output_bytes = {2 * LONG_PIECES * PIECE}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server"), AMPLE) as one:
        yield one


@pytest.fixture
def stub(server: Server) -> Iterator[Any]:
    with grpc.insecure_channel(server.target) as channel:
        yield ToolExecutionServiceStub(channel)


def flood(stub: Any, pieces: int) -> Any:
    return stub.Execute(
        pb.ExecuteRequest(tool="print_flood", arguments_json=b'{"pieces": %d}' % pieces)
    )


@contextlib.contextmanager
def stalled(server: Server, count: int) -> Iterator[list[str]]:
    """
    Executions of which only the first output is read, each on a connection of its own.
    """
    with contextlib.ExitStack() as opened:
        executions = []
        for _ in range(count):
            channel = opened.enter_context(grpc.insecure_channel(server.target))
            call = flood(ToolExecutionServiceStub(channel), STALLED_PIECES)
            opened.callback(call.cancel)
            first = next(event for event in call if event.HasField("output"))
            executions.append(first.execution_id)
        yield executions


def test_a_long_stream_arrives_whole_and_costs_the_server_bounded_memory(
    server: Server, stub: Any
) -> None:
    """
    What a tool prints passes through the server, which has less memory than that.
    """
    list(flood(stub, 1))  # what is loaded at first use is not the stream's
    forget_peak(server.process.pid)
    before = resident_peak(server.process.pid)
    total = 0
    for event in flood(stub, LONG_PIECES):
        total += len(event.output.data)
        last = event

    assert ("completed", False) == (
        last.finished.outcome.WhichOneof("kind"),
        last.finished.truncated,
    )
    assert LONG_PIECES * PIECE == total == last.finished.usage.stdout_bytes
    assert resident_peak(server.process.pid) - before <= GROWTH


def test_readers_that_stall_stall_only_their_own_tools(server: Server, stub: Any) -> None:
    """
    One caller that does not read must not be able to stop the others; nor two of them.
    """
    with stalled(server, 2) as executions:
        finished = [
            stub.Run(pb.RunRequest(tool="print_in_order", arguments_json=b'{"count": 3}')).finished
            for _ in range(5)
        ]
        total = sum(len(event.output.data) for event in flood(stub, STALLED_PIECES))
        waiting = [
            stub.GetExecution(pb.GetExecutionRequest(execution_id=each)).execution.state
            for each in executions
        ]

    assert {"completed"} == {each.outcome.WhichOneof("kind") for each in finished}
    assert STALLED_PIECES * PIECE == total
    assert [pb.EXECUTION_STATE_RUNNING] * 2 == waiting


def test_thousands_of_partial_values_arrive_in_order(stub: Any) -> None:
    """
    Faster than they are read they wait, and none is left out.
    """
    events = stub.Execute(
        pb.ExecuteRequest(tool="yield_numbers", arguments_json=b'{"count": %d}' % NUMBERS)
    )
    values = [int(event.partial.value_json) for event in events if event.HasField("partial")]

    assert list(range(NUMBERS)) == values
