"""
A stream may break at any moment: whoever comes back in time has lost nothing.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from breaking import JOURNAL_BYTES, SETTINGS, Broken, start_chatty
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell_client import Client
from toolcell_client.errors import EventsExpired, UnknownExecution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running_server import Server

# Reads some events of an execution, says which, and waits to be killed.
DYING_CLIENT = """
import sys, time
from toolcell_client import Client
with Client(sys.argv[1]) as client:
    for event in client.execute("count_slowly", {"to": 100}):
        if event.sequence == 10:
            print(event.execution_id, event.sequence, flush=True)
            sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_chatty(tmp_path_factory.mktemp("server")) as one:
        yield one


def bytes_of(event: Any) -> bytes:
    """
    An event as sent; those of Execute and of Watch are of two types and the same bytes.
    """
    data: bytes = event.SerializeToString(deterministic=True)
    return data


def test_who_comes_back_reads_on_without_a_gap_and_all_of_it_again(
    server: Server, client: Client
) -> None:
    """
    The two together are exactly what an unbroken stream would have been.
    """
    broken = Broken(server, "count_slowly", '{"to": 60}')
    stream = client.watch(broken.execution_id, broken.last)
    after = list(stream)
    whole = list(client.watch(broken.execution_id))

    assert "completed" == stream.result().label
    assert list(range(broken.last + 1, broken.last + 1 + len(after))) == [e.sequence for e in after]
    assert [*map(bytes_of, broken.events), *map(bytes_of, after)] == [*map(bytes_of, whole)]
    printed = b"".join(event.output.data for event in whole)
    assert list(range(1, 61)) == [int(line) for line in printed.split()]


def test_an_execution_survives_its_client_which_was_killed(server: Server, client: Client) -> None:
    """
    A killed process says no farewell.
    """
    dying = subprocess.Popen(
        [sys.executable, "-c", DYING_CLIENT, server.target],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with dying:
        assert dying.stdout is not None
        execution_id, sequence = dying.stdout.readline().split()
        dying.kill()
    stream = client.watch(execution_id, int(sequence))
    sequences = [event.sequence for event in stream]

    assert ("completed", 100) == (stream.result().label, stream.result().value)
    assert list(range(int(sequence) + 1, int(sequence) + 1 + len(sequences))) == sequences


def test_our_own_client_comes_back_by_itself(server: Server) -> None:
    """
    Whoever reads a stream need not know that its connection broke.
    """
    with Client(server.target) as client:
        stream = client.execute("count_slowly", {"to": 60})
        printed, cuts = b"", 0
        for event in stream:
            printed += event.output.data
            if event.HasField("output") and cuts < 3:
                cuts += 1
                stream._call.cancel()

        assert ("completed", 3) == (stream.result().label, cuts)
        assert list(range(1, 61)) == [int(line) for line in printed.split()]


def test_who_comes_back_in_time_keeps_the_execution_alive(server: Server, client: Client) -> None:
    """
    The grace is per absence, not in total.
    """
    broken = Broken(server, "count_slowly", '{"to": 250}')
    execution_id, last = broken.execution_id, broken.last
    for _ in range(4):
        with Client(server.target) as other, other.watch(execution_id, last) as stream:
            for event in stream:
                last = event.sequence
                if event.HasField("output"):
                    break
    result = client.watch(execution_id, last).result()

    assert ("completed", 250) == (result.label, result.value)


def test_events_that_are_no_longer_kept_are_refused_with_the_first_that_are(
    client: Client,
) -> None:
    """
    A journal is bounded; a gap is never passed over in silence.
    """
    stream = client.execute("print_numbered", {"size": 8 * JOURNAL_BYTES}, limits=None)
    result = stream.result()
    with pytest.raises(EventsExpired) as refused:
        client.watch(stream.execution_id).result()
    earliest = refused.value.earliest_sequence
    events = list(client.watch(stream.execution_id, earliest - 1))

    assert "completed" == result.label
    assert earliest > 1
    assert earliest == events[0].sequence
    assert "finished" == events[-1].WhichOneof("event")


def test_an_execution_that_there_never_was_is_named(client: Client) -> None:
    """
    A typing error and an execution that was forgotten look the same.
    """
    with pytest.raises(UnknownExecution) as refused:
        client.watch("no-such-execution").result()

    assert "no-such-execution" in str(refused.value)


def test_a_stalled_watcher_holds_nobody_up(start: Callable[..., Server]) -> None:
    """
    Else any onlooker could stop the execution that he looks at.
    """
    pieces = 256  # 16 MiB: twice what the journal keeps
    limit = f"output_bytes = {pieces * 65536}"
    server = start(f"{SETTINGS}\n[limits.ceilings]\n{limit}\n[limits.defaults]\n{limit}\n")
    with Client(server.target) as client, grpc.insecure_channel(server.target) as channel:
        stream = client.execute("print_flood", {"pieces": pieces})
        stub: Any = ToolExecutionServiceStub(channel)
        for event in stream:
            if event.HasField("accepted"):
                watching = stub.Watch(pb.WatchRequest(execution_id=event.execution_id))
                next(watching)
        result = stream.result()
        watching.cancel()

    assert "completed" == result.label
    assert pieces * 65536 == len(result.stdout)
