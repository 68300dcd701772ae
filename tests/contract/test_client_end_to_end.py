"""
Both clients against the real service: what an orchestrator does all day, and on its bad days.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from plain_calls import PlainCalls
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import AsyncClient, CallRefused, Client, ConnectionLost
from toolcell_client.errors import IsolationBelowFloor, ToolFailed
from toolcell_client.testing import Relay
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import AsyncStream, Result, Stream

TALKING = Path(__file__).parent / "bundles" / "talking"
GRACE_SECONDS = 1.0
DEADLINE_SECONDS = 20.0  # of what happens in milliseconds; the host may be busy
CUTS = 3
SETTINGS = """
[policy]
roots = [{{ path = "{root}" }}]

[[bundles]]
name = "talking"
path = "{talking}"
"""


@dataclass(frozen=True)
class Place:
    """
    A server, and the folder of the files that its tools wait for.
    """

    server: Server
    root: Path

    def folder(self) -> Path:
        """
        A new folder, whose path goes to a tool.
        """
        folder = self.root / f"{len(list(self.root.iterdir()))}"
        folder.mkdir()
        return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("root")
    settings = SETTINGS.format(root=root, talking=TALKING)
    more = f"reattach_grace_seconds = {GRACE_SECONDS}\nheartbeat_seconds = 0.2\n"
    with start_server(tmp_path_factory.mktemp("server"), settings, server=more) as server:
        yield Place(server, root)
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with Client(place.server.target) as client:
        yield client


@pytest.fixture
def folder(place: Place) -> Path:
    return place.folder()


def go_on(folder: Path) -> None:
    (folder / "on").touch()


def ending(client: Client, execution_id: str) -> pb.Execution:
    """
    The execution once it has ended.
    """
    wait_until(lambda: client.get_execution(execution_id).outcome.WhichOneof("kind") is not None)
    return client.get_execution(execution_id)


def numbers(output: bytes) -> list[int]:
    return [int(line) for line in output.split()]


def check_counted(result: Result, sequences: list[int], to: int) -> None:
    """
    Check that nothing was lost and nothing came twice.
    """
    assert "completed" == result.label
    assert list(range(1, to + 1)) == numbers(result.stdout)
    assert list(range(1, len(sequences) + 1)) == sequences


# One call, sync and async


def test_run_returns_value_output_usage_and_walls(client: Client, folder: Path) -> None:
    """
    The short form, for whoever does not care how the tool got there.
    """
    go_on(folder)

    result = client.run("count", {"folder": str(folder), "to": 5}, call_id="call 7")

    assert (True, 5, "call 7") == (result.ok, result.value, result.call_id)
    assert [1, 2, 3, 4, 5] == numbers(result.stdout)
    assert result.usage.wall.ToTimedelta().total_seconds() > 0
    assert 10 == result.usage.stdout_bytes
    assert result.usage.memory_peak_bytes > 2**20
    assert result.isolation is not None
    assert result.isolation.level >= pb.ISOLATION_LEVEL_BASIC


def test_events_come_while_the_tool_runs(client: Client, folder: Path) -> None:
    """
    Each step of the tool waits for the test, which waits for the event before: none is held back.
    """
    seen = []
    stream = client.execute("count", {"folder": str(folder), "to": 3})
    for event in stream:
        kind = event.WhichOneof("event")
        seen += [kind]
        if kind == "progress":
            running = client.get_execution(stream.execution_id)
            assert pb.EXECUTION_STATE_RUNNING == running.state
            (folder / str(round(event.progress.fraction * 3))).touch()
    told = [kind for kind in seen if kind != "heartbeat"]

    assert ["accepted", "started"] == told[:2]
    assert "finished" == told[-1]
    assert 3 == told.count("progress")
    assert [1, 2, 3] == numbers(stream.result().stdout)


def test_the_async_client_does_the_same(place: Place, folder: Path) -> None:
    """
    Orchestrators are asynchronous; the twin must not be the poor relation.
    """

    async def scenario() -> None:
        async with AsyncClient(place.server.target) as client:
            seen = []
            stream = client.execute("count", {"folder": str(folder), "to": 3})
            async for event in stream:
                seen += [event.WhichOneof("event")]
                if event.HasField("progress"):
                    (folder / str(round(event.progress.fraction * 3))).touch()
            assert 3 == seen.count("progress")
            assert [1, 2, 3] == numbers((await stream.result()).stdout)
            result = await client.run("count", {"folder": str(folder), "to": 3})
            assert (True, 3) == (result.ok, result.value)
            assert "count" == (await client.get_tool("count")).name
            assert "count" in {tool.name async for tool in client.list_tools()}
            listed = [each.execution_id async for each in client.list_executions(tool="count")]
            assert [result.execution_id, stream.execution_id] == listed[:2]

    asyncio.run(scenario())


def test_many_calls_at_once_do_not_mix(place: Place) -> None:
    """
    One connection, one event loop, thirty-two cells in flight: each answer goes to its question.
    """

    async def scenario() -> None:
        async with AsyncClient(place.server.target) as client:
            asked = [f"{n} * {n}" for n in range(32)]
            calls = [client.run("calculate", {"expression": each}, call_id=each) for each in asked]
            results = await asyncio.gather(*calls)
        assert asked == [result.call_id for result in results]
        assert [n * n for n in range(32)] == [result.value["value"] for result in results]

    asyncio.run(scenario())


def test_a_generator_yields_partial_values(client: Client) -> None:
    """
    They come in order, and what the generator returns is the result.
    """
    stream = client.execute("values", {"to": 3})
    partial = [json.loads(e.partial.value_json) for e in stream if e.HasField("partial")]

    assert [{"number": n, "square": n * n} for n in (1, 2, 3)] == partial
    assert 3 == stream.result().value


@pytest.mark.parametrize("kibibytes", [1024, 3600], ids=["inline", "more than fits inline"])
def test_a_result_of_any_size_is_whole(client: Client, kibibytes: int) -> None:
    """
    Above 3 MiB it comes in chunks; neither `run` nor `execute` lets the caller notice.
    """
    results = [
        client.run("letters", {"kibibytes": kibibytes}),
        client.execute("letters", {"kibibytes": kibibytes}).result(),
    ]

    assert [kibibytes * 1024] * 2 == [len(result.value) for result in results]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        pytest.param("raise", ("KeyError", "", None), id="an exception"),
        pytest.param("explain", ("ToolError", "BENT", None), id="an error for the caller"),
        pytest.param("exit", ("", "", 3), id="an exit"),
        pytest.param("abort", ("", "", -6), id="an abort"),
    ],
)
def test_a_tool_that_fails_is_an_outcome_and_not_an_error(
    client: Client, then: str, expected: tuple[str, str, int | None]
) -> None:
    """
    It ran, and what it said before is kept; `raise_for_outcome` is for those who want it raised.
    """
    result = client.run("stumble", {"then": then})
    failed = result.outcome.failed
    code = failed.exit_code if failed.HasField("exit_code") else None
    code = -failed.signal if failed.HasField("signal") else code

    assert "failed" == result.label
    assert expected == (failed.exception, failed.code, code)
    assert (b"about to stumble\n" == result.stdout) or then in ("exit", "abort")  # in its buffer
    with pytest.raises(ToolFailed):
        result.raise_for_outcome()
    if then == "explain":
        assert (True, "Try again.") == (result.outcome.retryable, result.outcome.hint)


# Watching, listing, cancelling


def test_watch_replays_every_event_as_it_was(client: Client, folder: Path) -> None:
    """
    Whoever comes later, or again, reads the same story, byte for byte.
    """
    go_on(folder)
    events = list(client.execute("count", {"folder": str(folder), "to": 4}))
    execution_id = events[0].execution_id

    assert events == list(client.watch(execution_id))
    assert events[3:] == list(client.watch(execution_id, 3))
    assert [1, 2, 3, 4] == numbers(client.watch(execution_id).result().stdout)


def test_two_watchers_of_a_running_execution_see_the_same(client: Client, folder: Path) -> None:
    """
    A screen and an archive may both follow one call.
    """
    stream = client.execute("count", {"folder": str(folder), "to": 2})
    first = next(stream)
    watchers = [client.watch(first.execution_id), client.watch(first.execution_id, 1)]
    read = [next(watchers[0]), next(watchers[1])]
    go_on(folder)
    everything = [first, *stream]

    assert everything == [read[0], *watchers[0]]
    assert everything[1:] == [read[1], *watchers[1]]


@pytest.mark.parametrize("how", ["by its stream", "by its id", "by leaving its stream"])
def test_cancel_ends_a_tool_at_once(client: Client, folder: Path, how: str) -> None:
    """
    And once more does no harm: two people may press the same button.
    """
    stream = client.execute("count", {"folder": str(folder), "to": 9})
    for event in stream:
        if event.HasField("output"):
            break
    match how:
        case "by its stream":
            stream.cancel()
        case "by its id":
            client.cancel(stream.execution_id)
        case _:
            stream.close()
    ended = ending(client, stream.execution_id)

    assert "cancelled" == ended.outcome.WhichOneof("kind")
    assert pb.CANCEL_REASON_REQUESTED == ended.outcome.cancelled.reason
    assert ended == client.cancel(stream.execution_id)
    if how != "by leaving its stream":
        assert "cancelled(requested)" == stream.result().label
        assert [1] == numbers(stream.result().stdout)


def test_cancelling_the_task_cancels_the_execution(place: Place, client: Client) -> None:
    """
    In asyncio, a timeout around a call is a cancelled task; the tool must not go on unseen.
    """
    folder = place.folder()

    async def scenario() -> None:
        async with AsyncClient(place.server.target) as caller:
            call = caller.run("count", {"folder": str(folder), "to": 9}, call_id=str(folder))
            task = asyncio.create_task(call)
            await asyncio.to_thread(wait_until, lambda: any(running(client)))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(scenario())
    mine = [each for each in client.list_executions() if each.call_id == str(folder)]

    assert 1 == len(mine)
    assert "cancelled" == ending(client, mine[0].execution_id).outcome.WhichOneof("kind")


def test_executions_are_listed_by_state_and_tool_in_pages(client: Client, folder: Path) -> None:
    """
    The newest come first, and a page boundary neither hides nor repeats one.
    """
    results = [client.run("values", {"to": n}, labels={"n": str(n)}) for n in range(1, 8)]
    stream = client.execute("count", {"folder": str(folder), "to": 1})
    while not next(stream).HasField("started"):
        pass
    found = list(client.list_executions(tool="values", page_size=2))
    running = [e.execution_id for e in client.list_executions(state="running", tool="count")]
    go_on(folder)

    assert [r.execution_id for r in reversed(results)] == [e.execution_id for e in found[:7]]
    assert ["7", "6"] == [e.labels["n"] for e in found[:2]]
    assert stream.result().execution_id in running
    assert [] == list(client.list_executions(state="queued", tool="values"))


# Bad days


def read_with_cuts(stream: Stream, relay: Relay, folder: Path) -> list[int]:
    """
    Read to the end, and cut the connection after each of the first progress events.
    """
    sequences = []
    for event in stream:
        sequences.append(event.sequence)
        if event.HasField("progress"):
            number = round(event.progress.fraction * 10)
            if number <= CUTS:
                relay.cut()
            (folder / str(number)).touch()
    return sequences


def test_a_stream_survives_a_connection_that_is_cut_again_and_again(
    place: Place, folder: Path
) -> None:
    """
    Load balancers reset long streams; not one event may be lost, or read twice.
    """
    with Relay(place.server.target) as relay, Client(relay.target) as client:
        stream = client.execute("count", {"folder": str(folder), "to": 10})
        sequences = read_with_cuts(stream, relay, folder)

        check_counted(stream.result(), sequences, 10)


def test_the_async_stream_survives_it_too(place: Place, folder: Path) -> None:
    """
    The same promise, kept by other code.
    """

    async def read(stream: AsyncStream, relay: Relay) -> list[int]:
        sequences = []
        async for event in stream:
            sequences.append(event.sequence)
            if event.HasField("progress"):
                number = round(event.progress.fraction * 10)
                if number <= CUTS:
                    relay.cut()
                (folder / str(number)).touch()
        return sequences

    async def scenario() -> None:
        with Relay(place.server.target) as relay:
            async with AsyncClient(relay.target) as client:
                stream = client.execute("count", {"folder": str(folder), "to": 10})
                sequences = await read(stream, relay)
                check_counted(await stream.result(), sequences, 10)

    asyncio.run(scenario())


def test_much_output_survives_a_cut_in_its_middle(place: Place, folder: Path) -> None:
    """
    What was in flight when the connection broke is exactly what is easily lost.
    """
    with Relay(place.server.target) as relay, Client(relay.target) as client:
        stream = client.execute("shout", {"folder": str(folder), "lines": 800})
        received = 0
        for event in stream:
            received += len(event.output.data)
            if received > 200_000 and not (folder / "on").exists():
                relay.cut()
                go_on(folder)
        result = stream.result()

    assert ("completed", False) == (result.label, result.truncated)
    assert list(range(800)) == numbers(result.stdout)
    assert list(range(800)) == numbers(result.stderr)


@pytest.mark.parametrize("down", [False, True], ids=["cut", "down for a while"])
def test_run_finds_its_execution_again(place: Place, folder: Path, down: bool) -> None:
    """
    Sending the call again would run the tool twice; its `request_id` finds the first.
    """
    with (
        Client(place.server.target) as beside,
        Relay(place.server.target) as relay,
        Client(relay.target) as client,
    ):

        def interrupt() -> None:
            wait_until(lambda: any(e.call_id == str(folder) for e in running(beside)))
            relay.down() if down else relay.cut()
            if down:
                relay.up()
            go_on(folder)

        async def both() -> Result:
            call = asyncio.to_thread(
                client.run, "count", {"folder": str(folder), "to": 3}, call_id=str(folder)
            )
            result, _ = await asyncio.gather(call, asyncio.to_thread(interrupt))
            return result

        result = asyncio.run(both())
        mine = [each for each in beside.list_executions() if each.call_id == str(folder)]

    assert ("completed", 3) == (result.label, result.value)
    assert [result.execution_id] == [each.execution_id for each in mine]


def running(client: Client) -> Iterator[pb.Execution]:
    return client.list_executions(state="running", tool="count")


def test_a_server_that_stays_away_is_reported_with_the_execution(
    place: Place, folder: Path
) -> None:
    """
    The error says what to watch: the call is not lost with the connection.
    """
    with Relay(place.server.target) as relay, Client(relay.target, attempts=2) as client:
        arguments = {"folder": str(folder), "to": 3}
        stream = client.execute("count", arguments, detached=True)
        next(stream)
        relay.down()
        with pytest.raises(ConnectionLost) as lost:
            stream.result()
    go_on(folder)

    with Client(place.server.target) as later:
        assert [1, 2, 3] == numbers(later.watch(lost.value.execution_id).result().stdout)


DYING_CLIENT = """
import sys, time
from toolcell_client import Client
stream = Client(sys.argv[1]).execute(
    "count", {"folder": sys.argv[2], "to": 3}, detached=sys.argv[3] == "detached"
)
for event in stream:
    if event.HasField("progress"):
        print(stream.execution_id, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param("attached", "cancelled(stream_lost)", id="cancelled after the grace period"),
        pytest.param("detached", "completed", id="goes on if it is detached"),
    ],
)
def test_an_execution_whose_client_died(
    place: Place, client: Client, how: str, expected: str
) -> None:
    """
    SIGKILL sends no farewell: the server alone decides what becomes of the tool.
    """
    folder = place.folder()
    program = [sys.executable, "-c", DYING_CLIENT, place.server.target, str(folder), how]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdout is not None
        execution_id = dying.stdout.readline().strip()
        dying.kill()
    if how == "detached":
        time.sleep(GRACE_SECONDS * 1.5)  # nothing happens when it is over: that is the point
        assert pb.EXECUTION_STATE_RUNNING == client.get_execution(execution_id).state
        go_on(folder)
    ending(client, execution_id)

    assert expected == client.watch(execution_id).result().label


# Time, floors, dry runs


def test_a_timeout_reaches_the_tool_and_ends_it(client: Client, folder: Path) -> None:
    """
    The caller's deadline is the cell's: the tool can plan with it, and cannot outlive it.
    """
    left = client.run("remaining", timeout=7).value
    began = time.monotonic()
    result = client.run("count", {"folder": str(folder), "to": 2}, timeout=0.5)

    assert 0 < left <= 7
    assert "exceeded(timeout)" == result.label
    assert time.monotonic() - began < DEADLINE_SECONDS
    assert pytest.approx(0.5, abs=0.1) == result.outcome.exceeded.allowed
    assert [1] == numbers(result.stdout)


def test_the_deadline_of_the_rpc_reaches_the_tool(place: Place) -> None:
    """
    A caller in another language sets only that, and its gRPC passes on what is left of it.
    """
    calls = PlainCalls(place.server.target)
    with calls.channel:
        answer = calls.executions.Run(pb.RunRequest(tool="remaining"), timeout=6)
        left = json.loads(answer.finished.result_json)
        folder = place.folder()
        arguments = json.dumps({"folder": str(folder), "to": 2}).encode()
        request = pb.ExecuteRequest(tool="count", arguments_json=arguments)
        stream = calls.executions.Execute(request, timeout=0.5)
        with contextlib.suppress(grpc.RpcError):  # or the ending comes, a moment before it is late
            list(stream)
    mine = _of_folder(place, folder)

    assert 0 < left <= 6.1  # gRPC rounds up what is left
    assert stream.code() in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert pb.LIMIT_TIMEOUT == mine.outcome.exceeded.limit


def _of_folder(place: Place, folder: Path) -> pb.Execution:
    """
    The only execution that is not older than its folder.
    """
    with Client(place.server.target) as client:
        newest = next(client.list_executions(tool="count"))
        assert newest.accepted_time.ToNanoseconds() >= folder.stat().st_mtime_ns
        return ending(client, newest.execution_id)


def test_validate_only_checks_everything_and_runs_nothing(client: Client, folder: Path) -> None:
    """
    A dry run tells the effective grant, and refuses what the real run would refuse.
    """
    arguments = {"folder": str(folder), "to": 2}
    stream = client.execute("count", arguments, validate_only=True, limits={"processes": 2})
    events = list(stream)
    accepted = events[0].accepted

    assert ["accepted", "finished"] == [event.WhichOneof("event") for event in events]
    assert [str(folder)] == [grant.path for grant in accepted.grants.paths]
    assert 2 == accepted.limits.processes
    assert (True, None, None) == (
        stream.result().ok,
        stream.result().value,
        stream.result().isolation,
    )
    assert client.run("count", arguments, validate_only=True).ok
    with pytest.raises(CallRefused):
        client.run("count", {"folder": "/", "to": 2}, validate_only=True)


def test_a_minimum_isolation_is_kept_or_refused(client: Client) -> None:
    """
    Whatever this host has, a demand is never a wish.
    """
    have = client.run("remaining").isolation
    assert have is not None
    for name, level in (("basic", 2), ("strong", 3), ("full", 4)):
        if have.level >= level:
            isolation = client.run("remaining", minimum_isolation=name).isolation
            assert isolation is not None
            assert isolation.level >= level
        else:
            with pytest.raises(IsolationBelowFloor):
                client.run("remaining", minimum_isolation=name)


def test_the_same_request_id_runs_once(client: Client, folder: Path) -> None:
    """
    An orchestrator that retries because it is not sure must not run the tool twice.
    """
    go_on(folder)
    arguments = {"folder": str(folder), "to": 2}
    first = client.run("count", arguments, request_id="once and only")
    second = client.run("count", arguments, request_id="once and only")

    assert (False, True) == (first.replayed, second.replayed)
    assert first.execution_id == second.execution_id
    assert first.value == second.value


def test_lower_limits_are_kept(client: Client, folder: Path) -> None:
    """
    What the request lowers is what ends the tool.
    """
    arguments = {"folder": str(folder), "to": 2}
    result = client.run("count", arguments, limits={"wall_seconds": 0.3})

    assert "exceeded(wall)" == result.label
    assert pytest.approx(0.3) == result.outcome.exceeded.allowed
