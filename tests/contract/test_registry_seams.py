"""
Where what registers and hosts tools meets what runs, records and counts their calls.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hosting_programs import Program
from running_server import start_server
from sessioning import calling, people, start_with_sessions
from toolcell.v1 import workflow_pb2
from toolcell_client import Client
from working import settled

if TYPE_CHECKING:
    from pathlib import Path

    from running_server import Server

SERVING = health_pb2.HealthCheckResponse.SERVING
SECRET = "hunter2-of-alice"


def settings(folder: Path, more: str) -> dict[str, Any]:
    (folder / "state").mkdir(mode=0o700, exist_ok=True)
    return {"settings": more, "flags": ("--set", f"state_dir={folder / 'state'}")}


def slow(**more: Any) -> dict[str, Any]:
    return {
        "name": "slow",
        "description": "Takes its time.",
        "effects": "writes",
        "parameters": {"type": "object", "properties": {"api_key": {"type": "string"}}},
        "argv": ["/bin/sh", "-c", "sleep 3; echo done"],
        "stdin": "none",
        "result": "text",
        **more,
    }


def test_a_tool_that_has_gone_meanwhile_is_redacted_in_the_log_all_the_same(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    more = settings(tmp_path, "[registry]\nenabled = true\n[audit]\ncontent = true\n")
    with start_server(tmp_path, **more) as server, Client(server.target) as client:
        client.registry.register([slow(redact_keys=["api_key"])])
        stream = client.execute("slow", {"api_key": SECRET})
        assert any(event.HasField("started") for event in stream)
        client.registry.unregister("slow")
        assert stream.result().ok
    written = "".join(file.read_text() for file in (tmp_path / "state/audit").glob("*.jsonl"))

    assert "api_key" in written
    assert SECRET not in written


def test_hosts_and_reloads_leave_records(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    more = settings(tmp_path, "[hosts]\nenabled = true\n")
    with (
        start_server(tmp_path, **more) as server,
        Client(server.target) as client,
        Program(tmp_path, server.target),
    ):
        assert [""] == [each.reason for each in client.registry.reload("builtin")]
    lines = "".join(file.read_text() for file in (tmp_path / "state/audit").glob("*.jsonl"))
    found = {one["type"]: one for one in map(json.loads, lines.splitlines())}

    connected = found["toolcell.host.connected"]
    assert ["read", "who", "write"] == sorted(t["name"] for t in connected["data"]["tools"])
    assert "toolcell.host.disconnected" in found
    assert "builtin" == found["toolcell.bundle.reloaded"]["data"]["bundle"]


def test_an_interpreter_does_not_keep_code_that_was_loaded_again(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        start_with_sessions(tmp_path) as server,
        Client(server.target) as client,
        client.session() as session,
    ):
        session.run("run_python", {"code": "x = 1", "stateful": True})
        kept = session.run("run_python", {"code": "print(x)", "stateful": True})
        client.registry.reload("builtin")
        fresh = session.run("run_python", {"code": "print(x)", "stateful": True})

    assert ("1\n", ()) == (kept.value["stdout"], tuple(kept.warnings))
    assert "NameError" in fresh.value["stderr"]
    assert ["FRESH_INTERPRETER"] == [each.reason for each in fresh.warnings]


def test_a_run_that_goes_on_waits_for_the_hosts_of_its_tools(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    more = settings(tmp_path, "[hosts]\nenabled = true\n[workflows]\nenabled = true\n")
    definition = {
        "steps": [
            {"name": "read", "tool": "read", "arguments": {"seconds": 3}},
            {"name": "who", "tool": "who", "needs": ["read"]},
        ]
    }
    with (
        start_server(tmp_path, **more) as server,
        Client(server.target) as client,
        Program(tmp_path, server.target),
    ):
        run = client.workflows.run(definition)
        while not next(run).execution.HasField("output"):
            pass
        server.process.kill()
        server.process.wait()
    with start_server(tmp_path, **more) as server, Client(server.target) as client:
        assert workflow_pb2.WORKFLOW_RUN_STATE_RUNNING == client.workflows.get_run(run.run_id).state
        with Program(tmp_path, server.target):
            ended = settled(client, run.run_id)

    assert workflow_pb2.WORKFLOW_RUN_STATE_COMPLETED == ended.state, ended


def test_the_name_of_an_own_tool_becomes_no_label_after_a_restart(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    more = settings(
        tmp_path, "[registry]\nenabled = true\n" + people("toolcell:own_tools") + "[builtin]\n"
    )
    with (
        start_server(tmp_path, **more) as server,
        calling(server, "alice") as alice,
        contextlib.ExitStack() as streams,
    ):
        alice.registry.register([slow(scope="principal", name="secret_project")])
        for tool in ("secret_project", "run_python"):
            code = {"code": "import time\nprint('begun', flush=True)\ntime.sleep(600)"}
            stream = streams.enter_context(
                alice.execute(tool, code if tool == "run_python" else {})
            )
            assert any(event.HasField("started") for event in stream)
        server.process.kill()
        server.process.wait()
    with start_server(tmp_path, **more) as server:
        counted = [line for line in server.scrape().splitlines() if 'outcome="lost"' in line]

    assert "secret_project" not in "".join(counted)
    assert ["other", "run_python"] == sorted(re.findall('tool="([^"]*)"', "".join(counted)))


def test_health_tells_the_level_of_carriers_before_there_is_a_tool(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    more = "[builtin]\nenabled = false\n[registry]\nenabled = true\n"
    with start_server(tmp_path, more) as server, Client(server.target) as client:
        before = reached(server)
        client.registry.register([slow()])
        assert before == reached(server)
        (level,) = re.findall(
            r'toolcell_isolation_level{bundle="registered"} (\d)', server.scrape()
        )
    assert 1 < int(level), "the control: this host encloses cells"
    assert [SERVING] * (int(level) - 1) == before[: int(level) - 1]


def reached(server: Server) -> list[int]:
    """
    What health says of each level, the lowest first.
    """
    with grpc.insecure_channel(server.target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        names = [f"toolcell.isolation.{level}" for level in ("basic", "strong", "full")]
        asked = [health_pb2.HealthCheckRequest(service=name) for name in names]
        return [stub.Check(each, timeout=20).status for each in asked]
