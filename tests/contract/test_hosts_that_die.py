"""
Hosts, servers and connections that die: what runs ends at once or moves, and what lives comes back.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hosting_programs import Program
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client
from toolcell_client.errors import ConnectionLost, ServerUnreachable, UnknownTool
from toolcell_client.testing.relay import Relay
from waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from toolcell_client.stream import Stream

SETTINGS = "[hosts]\nenabled = true\n"


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start(SETTINGS)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.target) as one:
        yield one


def begun(client: Client, tool: str, seconds: float = 600) -> Stream:
    """
    A call whose function has begun.
    """
    stream = client.execute(tool, {"seconds": seconds})
    for event in stream:
        if event.HasField("output"):
            return stream
    raise AssertionError("it ended before it had begun")


def hosts(client: Client) -> int:
    return max((tool.hosts for tool in client.list_tools()), default=0)


def test_a_host_that_is_killed_loses_its_call_at_once(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    """
    It is not its heartbeats that tell of its death: they would be missed in three hours.
    """
    server = start(SETTINGS + "heartbeat_seconds = 3600\n")
    with Client(server.target) as client, Program(tmp_path, server.target) as program:
        stream = begun(client, "write")
        program.kill()
        outcome = stream.result().outcome
        with pytest.raises(UnknownTool):
            client.run("who")

    assert pb.LOST_REASON_HOST_GONE == outcome.lost.reason
    assert (pb.ERROR_CATEGORY_UNKNOWN, False) == (outcome.category, outcome.retryable)
    assert "find out what it has done" in outcome.hint
    assert "toolcell_hosted_calls 0.0" in server.scrape()
    assert "Traceback" not in server.log.read_text()


def test_a_call_that_may_run_twice_moves_to_another_host(
    tmp_path: Path, server: Server, client: Client
) -> None:
    with Program(tmp_path, server.target) as first:
        stream = begun(client, "read")
        with Program(tmp_path, server.target) as second:
            first.kill()
            events = list(stream)
            pid = second.process.pid

    kinds = [event.WhichOneof("event") for event in events]
    assert ["retrying", "started"] == [kind for kind in kinds if kind in ("retrying", "started")]
    assert pb.LOST_REASON_HOST_GONE == events[0].retrying.outcome.lost.reason
    assert str(pid).encode() == events[-1].finished.result_json


def test_one_that_may_not_run_twice_does_not_move(
    tmp_path: Path, server: Server, client: Client
) -> None:
    with Program(tmp_path, server.target) as first:
        stream = begun(client, "write")
        with Program(tmp_path, server.target) as second:
            first.kill()
            outcome = stream.result().outcome
            assert second.process.pid == client.run("who").value  # the control

    assert pb.LOST_REASON_HOST_GONE == outcome.lost.reason


def test_a_host_comes_back_when_the_server_is_started_anew(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    first = start(SETTINGS)
    port = first.target.rpartition(":")[2]
    with Program(tmp_path, first.target) as program, Client(first.target) as client:
        assert program.process.pid == client.run("who").value
        first.process.kill()
        first.process.wait(20)
        again = start_server(
            _folder(tmp_path, "again"), SETTINGS, flags=("--listen", f"127.0.0.1:{port}")
        )
        with again:
            wait_until(lambda: hosts(client) == 1)
            assert program.process.pid == client.run("who").value
        assert 0 == again.process.returncode


def test_a_draining_server_lets_calls_at_hosts_end_and_the_host_waits_for_the_next(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(SETTINGS)
    port = server.target.rpartition(":")[2]
    with Program(tmp_path, server.target) as program, Client(server.target) as client:
        stream = begun(client, "write", seconds=1.5)
        server.process.terminate()
        result = stream.result()
        code = server.process.wait(20 * PATIENCE)
        with start_server(
            _folder(tmp_path, "again"), SETTINGS, flags=("--listen", f"127.0.0.1:{port}")
        ):
            wait_until(lambda: hosts(client) == 1)
            again = client.run("who").value

    assert (program.process.pid, 0) == (result.value, code)
    assert program.process.pid == again


def test_an_interrupted_connection_is_taken_up_again(server: Server) -> None:
    def here() -> str:
        """
        Is here.
        """
        return "here"

    with (
        Relay(server.target) as relay,
        Client(server.target) as client,
        Client(relay.target) as far,
        far.hosting(here),
    ):
        for _ in range(3):
            relay.cut()
            wait_until(lambda: hosts(client) == 1)
            assert "here" == _eventually(client, "here")


def test_a_host_that_is_told_to_end_lets_its_calls_end(
    tmp_path: Path, server: Server, client: Client
) -> None:
    with Program(tmp_path, server.target) as program:
        stream = begun(client, "write", seconds=1.5)
        program.process.terminate()
        result = stream.result()
        code = program.process.wait(20 * PATIENCE)

    assert (program.process.pid, 0) == (result.value, code)


def test_an_old_stream_is_followed_by_a_new_one_without_a_gap(start: Callable[..., Server]) -> None:
    server = start(SETTINGS + "stream_seconds = 1\nheartbeat_seconds = 0.3\n")

    def here() -> str:
        """
        Is here.
        """
        return "here"

    with Client(server.target) as client, client.hosting(here):
        values = set[Any]()

        def followed() -> bool:
            values.add(client.run("here").value)
            return server.log.read_text().count("host connected") >= 3

        wait_until(followed)

    assert {"here"} == values


def test_without_a_server_hosting_says_so() -> None:
    host = Client("127.0.0.1:9", attempts=2).host(len_of)
    with pytest.raises((ServerUnreachable, ConnectionLost)), host:
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "toolcell-host"]


def len_of(text: str) -> int:
    """
    Measures.
    """
    return len(text)


def _eventually(client: Client, tool: str) -> Any:
    """
    What it returns; a call that went to a stream that was just cut is lost, and made again.
    """
    while True:
        try:
            result = client.run(tool)
        except UnknownTool:
            continue
        if result.ok:
            return result.value


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder
