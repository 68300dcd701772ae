"""
What a tool prints arrives: all of it below the limit, its head and tail above, on every ending.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from breaking import CHATTY, SETTINGS
from google.protobuf.duration_pb2 import Duration
from processes import await_end, descendants, forget_peak, named, resident_peak
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from warmth import is_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Client

MEBIBYTE = 2**20
FLOOD_PIECES = 1024
FLOOD = FLOOD_PIECES * 65536
SECONDS = 30.0
AMPLE = f"""
{SETTINGS}
[limits.ceilings]
output_bytes = {4 * FLOOD}

[limits.defaults]
output_bytes = {4 * FLOOD}
"""
_spec = importlib.util.spec_from_file_location("chatty", CHATTY / "chatty.py")
assert _spec is not None
assert _spec.loader is not None
chatty = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(chatty)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with start_server(folder, AMPLE, server="warm_cells = 0") as one:
        yield one


def outputs(events: list[pb.ExecuteResponse], stream: pb.OutputStream.ValueType) -> list[pb.Output]:
    found = (event.output for event in events if event.HasField("output"))
    return [output for output in found if output.stream == stream]


@pytest.mark.parametrize("piece", [1000, 65536, MEBIBYTE], ids=lambda n: f"{n} bytes at a time")
def test_below_the_limit_every_byte_arrives_on_its_own_stream(client: Client, piece: int) -> None:
    """
    Bytes of all values, no line ends, both streams at once: none is lost, added or swapped.
    """
    limits = {"output_bytes": MEBIBYTE}
    arguments = {"size": MEBIBYTE, "piece": piece, "stderr": True}
    result = client.execute("print_numbered", arguments, limits=limits).result()

    assert "completed" == result.label
    assert chatty.numbered(MEBIBYTE, 1) == result.stdout
    assert chatty.numbered(MEBIBYTE, 2) == result.stderr
    assert not result.truncated
    assert (MEBIBYTE, MEBIBYTE) == (result.usage.stdout_bytes, result.usage.stderr_bytes)


@pytest.mark.parametrize("more", [1, 65536, MEBIBYTE], ids=lambda n: f"{n} bytes too many")
def test_above_the_limit_head_and_tail_arrive_and_the_gap_is_counted(
    client: Client, more: int
) -> None:
    """
    The beginning says what it was about, the end how it went; nobody must guess what is missing.
    """
    limit, size = MEBIBYTE, MEBIBYTE + more
    arguments = {"size": size}
    stream = client.execute("print_numbered", arguments, limits={"output_bytes": limit})
    events = list(stream)
    pieces = outputs(events, pb.OUTPUT_STREAM_STDOUT)
    data, written = chatty.numbered(size, 1), b"".join(piece.data for piece in pieces)
    gap = next(index for index, piece in enumerate(pieces) if piece.skipped_bytes)
    head = sum(len(piece.data) for piece in pieces[:gap])

    assert "completed" == stream.result().label
    assert events[-1].finished.truncated
    assert limit == len(written)
    assert [more] == [piece.skipped_bytes for piece in pieces if piece.skipped_bytes]
    assert head == limit * 3 // 4
    assert data[:head] + data[head + more :] == written
    assert size == events[-1].finished.usage.stdout_bytes


def test_streams_have_a_limit_each(client: Client) -> None:
    """
    A chatty stdout must not cost the one line on stderr that says why.
    """
    result = client.execute(
        "print_numbered", {"size": 3000, "stderr": True}, limits={"output_bytes": 1024}
    ).result()

    assert (1024, 1024) == (len(result.stdout), len(result.stderr))
    assert result.stderr.startswith(chatty.numbered(3000, 2)[:768])


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("exit", "failed"),
        ("kill", "failed"),
        ("abort", "failed"),
        ("segfault", "failed"),
        ("raise", "failed"),
        ("memory", "exceeded(memory)"),
        ("wall", "exceeded(wall)"),
        ("child", "completed"),
    ],
    ids=[
        "it exits at once",
        "it kills itself",
        "it aborts",
        "it crashes",
        "it raises",
        "it needs too much memory",
        "it is killed by the wall clock",
        "a child printed it",
    ],
)
def test_what_was_printed_just_before_the_end_is_kept(
    client: Client, how: str, expected: str
) -> None:
    """
    The last lines before a crash are the ones that everybody wants.
    """
    arguments = {"size": 300_000, "how": how}
    result = client.execute("print_and_end", arguments, limits={"wall_seconds": 2}).result()

    assert expected == result.label
    assert chatty.numbered(300_000, 1) == result.stdout


def test_what_python_had_not_flushed_arrives(client: Client) -> None:
    """
    A tool that prints without a line end, and returns, has printed.
    """
    result = client.run("print_without_flushing", {"text": "no line end, äöü"})

    assert ("no line end, äöü".encode(), "NO LINE END, ÄÖÜ".encode()) == (
        result.stdout,
        result.stderr,
    )


def test_events_of_one_kind_keep_their_order_and_sequences_have_no_gap(client: Client) -> None:
    """
    Whoever reads them puts together what the tool did.
    """
    events = list(client.execute("print_in_order", {"count": 200}))
    printed = b"".join(piece.data for piece in outputs(events, pb.OUTPUT_STREAM_STDOUT))
    numbers = [str(number) for number in range(200)]

    assert list(range(1, len(events) + 1)) == [event.sequence for event in events]
    assert numbers == printed.decode().split()
    assert numbers == [e.progress.message for e in events if e.HasField("progress")]
    assert numbers == [e.partial.value_json.decode() for e in events if e.HasField("partial")]
    assert "accepted" == events[0].WhichOneof("event")
    assert ["finished"] == [str(e.WhichOneof("event")) for e in events if e.HasField("finished")]
    assert "finished" == events[-1].WhichOneof("event")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(3 * MEBIBYTE, "completed", id="it just fits"),
        pytest.param(3 * MEBIBYTE + 1, "exceeded(result)", id="it does not"),
    ],
)
def test_a_partial_value_is_small_enough_for_any_client_or_ends_the_tool(
    server: Server, size: int, expected: str
) -> None:
    """
    One event that a client of default settings cannot receive would cost it the whole stream.
    """
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = ToolExecutionServiceStub(channel)
        arguments = b'{"size": %d}' % size
        events = list(stub.Execute(pb.ExecuteRequest(tool="yield_much", arguments_json=arguments)))
    outcome = events[-1].finished.outcome
    values = [event.partial.value_json for event in events if event.HasField("partial")]

    assert expected.startswith(str(outcome.WhichOneof("kind")))
    assert [size] * expected.startswith("completed") == [len(value) for value in values]


def test_a_reader_that_reads_gets_a_flood_whole(client: Client) -> None:
    """
    The positive control of the next test: nothing but the reader holds the tool up.
    """
    total = 0
    stream = client.execute("print_flood", {"pieces": FLOOD_PIECES})
    for event in stream:
        total += len(event.output.data)

    assert ("completed", FLOOD) == (stream.result().label, total)


def test_a_reader_that_stalls_makes_the_tool_wait_and_costs_the_server_no_memory(
    server: Server,
) -> None:
    """
    Otherwise any caller can fill the server's memory by not reading.
    """
    [zygote] = named(server.process.pid, "zygote")
    request = pb.ExecuteRequest(
        tool="print_flood",
        arguments_json=b'{"pieces": %d}' % FLOOD_PIECES,
        limits=pb.Limits(wall=Duration(seconds=3)),
    )
    with grpc.insecure_channel(server.target) as channel:
        stub: Any = ToolExecutionServiceStub(channel)
        call = stub.Execute(request)
        first = next(event for event in call if event.HasField("output"))
        forget_peak(server.process.pid)
        before = resident_peak(server.process.pid)
        [tool] = [pid for pid in descendants(zygote) if is_tool(pid)]
        await_end([tool], SECONDS)
        grown = resident_peak(server.process.pid) - before
        events = [first, *call]

    written = b"".join(piece.data for piece in outputs(events, pb.OUTPUT_STREAM_STDOUT))
    expected = chatty.numbered(65536, 3) * FLOOD_PIECES
    assert grown < FLOOD // 2
    assert pb.LIMIT_WALL == events[-1].finished.outcome.exceeded.limit
    assert len(written) == events[-1].finished.usage.stdout_bytes < FLOOD // 2
    assert expected[: len(written)] == written
