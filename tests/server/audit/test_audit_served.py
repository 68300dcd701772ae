"""
A real server that keeps a log: what it records, and that nothing is lost when it is killed.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from auditing_logs import complaints, keys, records
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from running_server import LOCAL, Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 30
SUM = b'{"expression": "1+1"}'
CONNECT = b"""{"code": "import socket\\ntry:\\n socket.socket()\\nexcept OSError: pass"}"""


@contextlib.contextmanager
def serving(folder: Path, audit: str = "") -> Iterator[tuple[Server, Any]]:
    settings = f'[audit]\nfolder = "{folder}/audit"\n{audit}'
    with (
        start_server(folder, settings) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        yield server, ToolExecutionServiceStub(channel)


def run(stub: Any, tool: str = "calculate", data: bytes = SUM, **fields: Any) -> pb.RunResponse:
    request = pb.RunRequest(tool=tool, arguments_json=data, **fields)
    response: pb.RunResponse = stub.Run(request, timeout=SECONDS)
    return response


def refused(stub: Any, **fields: Any) -> str:
    """
    The reason with which a call is refused.
    """
    with pytest.raises(grpc.RpcError) as caught:
        run(stub, **fields)
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    status.details[0].Unpack(info)
    return str(info.reason)


def kinds(folder: Path) -> list[str]:
    found = [one["type"].removeprefix("toolcell.") for one in records(folder / "audit")]
    return [kind for kind in found if not kind.startswith("audit.")]


def test_every_kind_of_call_leaves_its_record(tmp_path: Path) -> None:
    """
    One that ran, one that was denied something, one that was refused, one that was replayed.
    """
    with serving(tmp_path) as (_, stub):
        ran = run(stub, request_id="r1", call_id="c1")
        run(stub, request_id="r1")
        denied = run(stub, "run_python", CONNECT)
        assert refused(stub, tool="nosuch") == "UNKNOWN_TOOL"
        with pytest.raises(grpc.RpcError):
            stub.CancelExecution(pb.CancelExecutionRequest(execution_id="none"), timeout=SECONDS)

    found = records(tmp_path / "audit")
    assert kinds(tmp_path) == [
        *("execution.accepted", "execution.finished", "call.replayed"),
        *("execution.accepted", *["access.denied"] * len(denied.denials), "execution.finished"),
        *("call.refused", "call.refused"),
    ]
    assert len(denied.denials) > 0
    (finished, _) = [one for one in found if one["type"] == "toolcell.execution.finished"]
    assert finished["data"]["execution_id"] == ran.execution_id
    assert finished["data"]["usage"]["memory_peak_bytes"] > 0
    assert finished["data"]["isolation"]["walls"]["seccomp"] == "active"
    methods = [one["data"]["method"].rpartition("/")[2] for one in found if "method" in one["data"]]
    assert methods == ["Run", "CancelExecution"]
    assert complaints(tmp_path / "audit") == []


def test_a_server_that_is_killed_while_it_writes_leaves_a_log_that_is_whole(
    tmp_path: Path,
) -> None:
    """
    By SIGKILL, under load; every execution that ended at its caller was accepted in the log.  The
    next server goes on with it.
    """
    signer = keys(tmp_path)
    key = f'key = {{file = "{tmp_path / "key.pem"}"}}\ncheckpoint_file = "{tmp_path}/copy"\n'
    ended: list[str] = []
    enough = threading.Event()

    def call_on(stub: Any) -> None:
        with contextlib.suppress(grpc.RpcError):
            while True:
                ended.append(run(stub).execution_id)
                if len(ended) >= 60:
                    enough.set()

    with (
        concurrent.futures.ThreadPoolExecutor(4) as threads,
        serving(tmp_path, key + "checkpoint_records = 25\n") as (server, stub),
    ):
        for _ in range(4):
            threads.submit(call_on, stub)
        assert enough.wait(SECONDS)
        server.process.kill()
        server.process.wait()

    accepted = {
        one["subject"]
        for one in records(tmp_path / "audit")
        if one["type"] == "toolcell.execution.accepted"
    }
    assert set(ended) <= accepted
    assert complaints(tmp_path / "audit", signer, checkpoint=tmp_path / "copy") == []
    with serving(tmp_path, key) as (_, stub):
        run(stub)
    assert complaints(tmp_path / "audit", signer, checkpoint=tmp_path / "copy") == []
    assert records(tmp_path / "audit", "audit.opened")[1]["data"]["crashed"] is True


def full(server: Server, folder: Path, *, more: int) -> None:
    """
    Let no file of that server grow by more than so many bytes; -1: by as much as it likes.
    """
    size = max(path.stat().st_size for path in (folder / "audit").glob("*.jsonl"))
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    soft = hard if more < 0 else size + more
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_where_the_disk_is_full_nothing_runs_until_it_is_not(tmp_path: Path) -> None:
    """
    `on_failure = "refuse"`: the call that would not be recorded does not run.
    """
    with serving(tmp_path) as (server, stub):
        run(stub)
        full(server, tmp_path, more=100)
        assert refused(stub) == "AUDIT_FAILED"
        full(server, tmp_path, more=-1)
        wait_until(lambda: runs(stub), SECONDS)

    assert complaints(tmp_path / "audit") == []
    assert kinds(tmp_path).count("execution.finished") == 2
    assert len(records(tmp_path / "audit", "audit.failed")) == 1


def runs(stub: Any) -> bool:
    try:
        return run(stub).finished.outcome.HasField("completed")
    except grpc.RpcError:
        return False


def test_where_the_operator_goes_on_so_does_the_server(tmp_path: Path) -> None:
    """
    `on_failure = "continue"`: what could not be written at once is written later.
    """
    with serving(tmp_path, 'on_failure = "continue"\n') as (server, stub):
        run(stub)
        full(server, tmp_path, more=100)
        for _ in range(3):
            assert runs(stub)
        full(server, tmp_path, more=-1)

    assert complaints(tmp_path / "audit") == []
    assert kinds(tmp_path).count("execution.finished") == 4


def not_started(folder: Path) -> str:
    """
    What a server says that does not start with these settings.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "toolcell_server", "--settings", str(folder / "settings.toml")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    return ended.stderr


def test_a_second_server_does_not_write_the_same_log(tmp_path: Path) -> None:
    with serving(tmp_path):
        assert "another server writes its audit log" in not_started(tmp_path)


def test_a_server_does_not_go_on_with_a_log_that_was_changed(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, stub):
        run(stub)
    file = tmp_path / "audit" / "audit-00000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b"calculate", b"calcul4te"))

    assert "was changed: its bytes do not give its hash" in not_started(tmp_path)


def test_a_place_for_state_is_a_place_for_the_log(tmp_path: Path) -> None:
    """
    Without a word about it in the settings.
    """
    (tmp_path / "state").mkdir()
    flags = ("--set", f"state_dir={tmp_path}/state")
    with (
        start_server(tmp_path, flags=flags) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        run(ToolExecutionServiceStub(channel))

    assert len(records(tmp_path / "state" / "audit", "execution.finished")) == 1
    assert LOCAL in (tmp_path / "settings.toml").read_text()
