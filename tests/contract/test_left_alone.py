"""
Tools that keep failing are left alone; tools that only read change nothing.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from plain_calls import PlainCalls
from repeating import metrics, say, settings
from running_server import start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import CallRefused, Client
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Result


def test_a_tool_that_keeps_failing_is_left_alone_for_a_while(
    repeating: Client, repeating_server: Server, saying: Path
) -> None:
    plain, asked = PlainCalls(repeating_server.target), json.dumps({"path": str(saying)}).encode()
    say(saying, "down")
    failed = [repeating.run("troubled", asked).label for _ in range(3)]
    refused = plain.refused(pb.RunRequest(tool="troubled", arguments_json=asked))
    opened = metrics(repeating_server)['toolcell_breaker_open{scope="callers",tool="troubled"}']
    say(saying, "up")
    wait_until(lambda: answers(plain, asked), 10)
    closed = metrics(repeating_server)['toolcell_breaker_open{scope="callers",tool="troubled"}']

    assert ["failed"] * 3 == failed
    assert ("UNAVAILABLE", "TOOL_UNAVAILABLE") == (refused.code, refused.reason)
    assert ("troubled", "true") == (refused.metadata["tool"], refused.metadata["retryable"])
    assert (1, 0) == (opened, closed)


def answers(plain: PlainCalls, asked: bytes) -> bool:
    try:
        return plain.run("troubled", asked).finished.outcome.HasField("completed")
    except grpc.RpcError:
        return False


def test_mistakes_of_callers_leave_a_tool_open(repeating: Client, saying: Path) -> None:
    say(saying, "wrong")
    asked = {"path": str(saying)}

    assert ["failed"] * 6 == [repeating.run("patient", asked).label for _ in range(6)]


def test_a_tool_that_only_reads_changes_nothing_and_reaches_nobody(
    repeating: Client, saying: Path
) -> None:
    """
    Its own scratch folder is the positive control: the attempts are real.
    """
    before = saying.stat()
    found = repeating.run("meddling", {"path": str(saying)}).raise_for_outcome().value
    after = saying.stat()

    assert "done" == found.pop("scratch")
    assert "done" not in found.values()
    assert ("up", before.st_ctime_ns) == (saying.read_text(), after.st_ctime_ns)
    assert not saying.with_name("new").exists()


@pytest.fixture
def listening() -> Iterator[Path]:
    """
    A folder outside of /tmp, which is a cell's own, with a fifo and a socket in it.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, socket.socket(socket.AF_UNIX) as at:
        folder = Path(name)
        os.mkfifo(folder / "fifo")
        at.bind(str(folder / "socket"))
        at.listen()
        for path in (folder, folder / "fifo", folder / "socket"):
            path.chmod(0o777)
        yield folder


def test_nor_does_it_speak_to_those_who_listen_in_a_folder(tmp_path: Path, listening: Path) -> None:
    """
    A mount that is read-only keeps nobody from a fifo or a socket in it.  What does is seccomp for
    the one, and Landlock for the other.  Our own write is the positive control.
    """
    reader = os.open(listening / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    with start_server(tmp_path, settings(listening)) as server, Client(server.target) as client:
        result = client.run("meddling_below", {"folder": str(listening)}).raise_for_outcome()
    heard = os.read(reader, 100)
    writer = os.open(listening / "fifo", os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, b"control")
    control = os.read(reader, 100)
    for descriptor in (reader, writer):
        os.close(descriptor)

    assert "PermissionError" == result.value["socket"]
    if not _has_landlock(result):
        pytest.skip("this kernel has no Landlock: docs/governance/caching.md says what that means")
    assert ("PermissionError", b"", b"control") == (result.value["fifo"], heard, control)


def _has_landlock(result: Result) -> bool:
    assert result.isolation is not None
    statuses = {wall.wall: wall.status for wall in result.isolation.walls}
    return statuses[pb.WALL_LANDLOCK] == pb.WALL_STATUS_ACTIVE


def test_no_call_can_widen_what_a_tool_that_only_reads_gets(
    repeating: Client, saying: Path
) -> None:
    with pytest.raises(CallRefused) as refused:
        repeating.run(
            "meddling",
            {"path": str(saying)},
            grants={"paths": [{"path": str(saying), "access": "write"}]},
        )

    assert "GRANT_TOO_WIDE" == refused.value.reason
