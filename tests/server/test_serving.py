"""
The server as a program: how it starts, what it says when it cannot, and how it ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import (
    reflection_pb2,
    reflection_pb2_grpc,
)
from grpc_status import rpc_status
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 20
SERVICES = ["", "toolcell.v1.ToolExecutionService", "toolcell.v1.ToolRegistryService"]
SLEEP = b'{"code": "import time; print(1, flush=True); time.sleep(60)"}'


def failing(*flags: str, **environment: str) -> tuple[int, str]:
    """
    Exit code and standard error of a server that cannot serve.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "toolcell_server", *flags],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert ended.stdout == ""
    return ended.returncode, ended.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server"), server="reflection = true\n") as one:
        yield one


def test_a_setting_that_cannot_be_used_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """
    A traceback would be the first thing that a newcomer sees of us.
    """
    path = tmp_path / "toolcell.toml"
    path.write_text("[server]\nlisen = 3\n")
    code, error = failing("--config", str(path))

    assert code == 2
    assert error == (
        f"toolcell_server: the file {path}: server.lisen: is not a setting; did you mean listen?\n"
    )


@pytest.mark.parametrize("flag", ["--listen", "--metrics-listen"])
def test_a_port_in_use_is_one_line_that_names_the_flag_and_the_key(flag: str) -> None:
    """
    The usual reason that a second start fails.
    """
    other = {"--listen": "--metrics-listen", "--metrics-listen": "--listen"}[flag]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, error = failing(flag, address, other, "127.0.0.1:0")
    key = f"server.{flag.removeprefix('--').replace('-', '_')}"

    assert code == 2
    assert error.splitlines()[-1] == (
        f"toolcell_server: {address} is in use; choose another with {flag} or {key}"
    )
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        pytest.param("server.queue=-1", "the command line: server.queue = -1", id="out of range"),
        pytest.param("server.queu=1", "did you mean queue?", id="an unknown key"),
        pytest.param("server.queue", "write --set KEY=VALUE", id="no value"),
    ],
)
def test_a_flag_that_cannot_be_used_is_one_line(flag: str, says: str) -> None:
    """
    Flags win over everything, so that is where to look.
    """
    code, error = failing("--set", flag)

    assert code == 2
    assert says in error
    assert error.count("\n") == 1


def test_grpc_is_not_imported_before_the_workers_are_started() -> None:
    """
    The zygotes must be exec'd from a process that gRPC has not filled with threads.
    """
    program = (
        "import sys, toolcell_server.app; print(sorted(m for m in sys.modules if m == 'grpc'))"
    )
    found = subprocess.check_output([sys.executable, "-c", program], text=True, timeout=SECONDS)

    assert found == "[]\n"


def test_the_environment_is_read_as_the_settings_are() -> None:
    """
    In a container the environment is all there is.
    """
    code, error = failing(TOOLCELL_SERVER__LISTEN="0.0.0.0:50051")

    assert code == 2
    assert "the environment variable TOOLCELL_SERVER__LISTEN" in error
    assert "loopback" in error


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_that_listens_says_that_it_is_healthy(server: Server, service: str) -> None:
    """
    Load balancers ask by service, and some for the server as a whole.
    """
    with grpc.insecure_channel(server.target) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=SECONDS)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_names_our_services_where_it_is_switched_on(server: Server) -> None:
    """
    Grpcurl then needs no .proto file.
    """
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.target) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=SECONDS)

    assert set(SERVICES[1:]) < {one.name for one in answer.list_services_response.service}


def test_a_message_of_more_than_4_mebibytes_is_received(server: Server) -> None:
    """
    GRPC's own limit would refuse it without a reason; ours names the size and the limit.
    """
    with grpc.insecure_channel(server.target) as channel:
        request = pb.RunRequest(tool="calculate", arguments_json=b'"' + b"x" * 10 * 2**20 + b'"')
        with pytest.raises(grpc.RpcError) as caught:
            ToolExecutionServiceStub(channel).Run(request, timeout=SECONDS)

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "10485762 bytes" in str(caught.value.details())


def test_the_metrics_show_what_was_called(server: Server) -> None:
    """
    Prometheus scrapes the address that the server announced.
    """
    with grpc.insecure_channel(server.target) as channel:
        listed = ToolRegistryServiceStub(channel).ListTools(registry_pb2.ListToolsRequest())
    text = server.scrape()

    assert f'toolcell_tools{{state="available"}} {len(listed.tools)}.0' in text
    assert 'grpc_method="ListTools"' in text
    assert 'toolcell_wall_status{bundle="builtin",wall="seccomp"} 2.0' in text
    assert "_created" not in text


class Call:
    """
    An Execute whose events are read by a thread, so that the test can wait for what it needs.
    """

    def __init__(self, channel: grpc.Channel, **fields: Any) -> None:
        request = pb.ExecuteRequest(tool="run_python", arguments_json=SLEEP, **fields)
        self.stream = ToolExecutionServiceStub(channel).Execute(request, timeout=60)
        self.begun = threading.Event()
        self.events: list[pb.ExecuteResponse] = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        for event in self.stream:
            self.events.append(event)
            if event.HasField("output"):
                self.begun.set()

    def ended(self) -> pb.Finished:
        self.thread.join(SECONDS)
        return self.events[-1].finished


def test_a_drain_refuses_new_calls_and_ends_the_running_ones_as_drained(tmp_path: Path) -> None:
    """
    A rolling restart loses nothing silently: callers hear what became of their calls, and where
    there is another server they retry there.
    """
    with (
        start_server(tmp_path, server="drain_seconds = 2\n") as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        health = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICES[1]))
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        call = Call(channel)
        assert call.begun.wait(SECONDS)
        server.process.send_signal(signal.SIGTERM)
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            ToolExecutionServiceStub(channel).Run(pb.RunRequest(tool="calculate"), timeout=SECONDS)
        finished = call.ended()
        health.cancel()
        code = server.process.wait(SECONDS)

    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    details = rpc_status.from_call(caught.value).details
    reasons = error_details_pb2.ErrorInfo()
    assert details[0].Unpack(reasons)
    assert reasons.reason == "DRAINING"
    assert any(one.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for one in details)
    assert finished.outcome.cancelled.reason == pb.CANCEL_REASON_DRAINED
    assert code == 0


def test_a_drain_waits_for_an_execution_that_ends_in_time(tmp_path: Path) -> None:
    """
    That is what the time is for.
    """
    with (
        start_server(tmp_path, server="drain_seconds = 30\n") as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        limits = pb.Limits()
        limits.wall.FromSeconds(2)
        call = Call(channel, limits=limits)
        assert call.begun.wait(SECONDS)
        server.process.send_signal(signal.SIGINT)
        finished = call.ended()
        code = server.process.wait(SECONDS)

    assert finished.outcome.exceeded.limit == pb.LIMIT_WALL
    assert code == 0


def test_a_second_signal_ends_the_server_at_once_and_leaves_no_process(tmp_path: Path) -> None:
    """
    Whoever presses Ctrl-C twice means it; callers are still told, and nothing is left behind.
    """
    with (
        start_server(tmp_path, server="drain_seconds = 3600\n") as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        health = stub.Watch(health_pb2.HealthCheckRequest())
        next(health)
        call = Call(channel)
        assert call.begun.wait(SECONDS)
        children = _children(server.process.pid)
        server.process.send_signal(signal.SIGINT)
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        server.process.send_signal(signal.SIGINT)
        code = server.process.wait(SECONDS)
        finished = call.ended()

    assert finished.outcome.cancelled.reason == pb.CANCEL_REASON_DRAINED
    assert code == 128 + signal.SIGINT
    assert children
    assert [pid for pid in children if os.path.exists(f"/proc/{pid}/exe")] == []


def _children(pid: int) -> list[int]:
    """
    Every process below one.
    """
    found: list[int] = []
    for entry in os.scandir(f"/proc/{pid}/task"):
        with open(f"{entry.path}/children") as file:
            found += map(int, file.read().split())
    return found + [below for child in found for below in _children(child)]


def test_the_log_tells_where_it_serves_with_how_many_tools_and_how_isolated(
    server: Server,
) -> None:
    """
    The one line that an operator looks for after a start.
    """
    (line,) = [one for one in server.log.read_text().splitlines() if " serving " in one]

    assert f"address={server.target}" in line
    assert "isolation_builtin=" in line


def test_the_log_is_json_where_that_is_asked_for(tmp_path: Path) -> None:
    """
    Every line, or the machine that reads it stops at the first that is not.
    """
    with start_server(tmp_path, flags=("--log-format", "json")) as server:
        server.stop()

    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["message"] for line in lines] == ["serving", "draining"]


def test_a_switch_that_switches_nothing_off_is_warned_of(tmp_path: Path) -> None:
    """
    The operator believes that the tool is off.
    """
    switches = '[policy]\ntools_disabled = ["run_pythn", "calculate"]\n'
    with start_server(tmp_path, switches, flags=("--log-format", "json")) as server:
        server.stop()

    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    warned = [line for line in lines if "tools_disabled" in line["message"]]
    assert [(line["level"], line["tool"]) for line in warned] == [("warning", "run_pythn")]
    assert "run_python" in warned[0]["close_matches"]
