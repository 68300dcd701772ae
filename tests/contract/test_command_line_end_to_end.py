"""
The command `toolcell` against the real service, as people and scripts use it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import TOOLCELL, toolcell
from running_server import LOCAL, Server, start, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import CallRefused, Client, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

TALKING = Path(__file__).parent / "bundles" / "talking"
SECONDS = 30
SETTINGS = """
[policy]
roots = [{{ path = "{root}" }}]

[[bundles]]
name = "talking"
path = "{talking}"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    for folder, file in (("waiting", "nothing"), ("going", "on")):
        (root / folder).mkdir()
        (root / folder / file).touch()
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Server]:
    settings = SETTINGS.format(root=root, talking=TALKING)
    with start_server(tmp_path_factory.mktemp("server"), settings) as server:
        yield server
    assert "Traceback" not in server.log.read_text()


def answer(server: Server, *words: str) -> Any:
    """
    The JSON that a command prints when it succeeds.
    """
    ended = toolcell(server.target, *words)
    assert 0 == ended.returncode, ended.stderr
    return json.loads(ended.stdout)


def started(server: Server, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TOOLCELL, *words, "--target", server.target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def newest(client: Client) -> pb.Execution:
    return next(client.list_executions(tool="count"))


def test_a_pipe_gets_the_result_and_nothing_else(server: Server, root: Path) -> None:
    """
    `toolcell call … | jq` is how scripts use it; what the tool prints goes to the other stream.
    """
    call = shlex.join([*TOOLCELL, "call", "count", f"folder={root}/going", "to=3"])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{call} | cat"],
        env=os.environ | {"TOOLCELL_TARGET": server.target},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )

    assert (0, b"3\n", b"1\n2\n3\n") == (done.returncode, done.stdout, done.stderr)


def test_json_is_one_event_a_line(server: Server, root: Path) -> None:
    """
    For programs that want the whole story.
    """
    ended = toolcell(server.target, "call", "count", f"folder={root}/going", "to=2", "--json")
    events = [json.loads(line) for line in ended.stdout.splitlines()]

    assert list(range(1, len(events) + 1)) == [event["sequence"] for event in events]
    assert ["accepted", "finished"] == [events[0]["event"], events[-1]["event"]]
    assert 2 == events[-1]["result"]


def test_tools_are_listed_and_described(server: Server) -> None:
    """
    What a newcomer does first: what is there, and how is it called?
    """
    listed = {tool["name"]: tool for tool in answer(server, "tools", "list")}
    described = answer(server, "tools", "describe", "count")

    assert {"calculate", "read_file", "run_python", "text_stats", "count"} <= set(listed)
    assert "run_shell" not in listed
    assert listed["count"] == described
    assert ("talking", "available", "read_only") == (
        described["bundle"],
        described["state"],
        described["effects"],
    )
    assert ["folder", "to"] == described["parameters"]["required"]


def test_ps_shows_what_runs_and_with_all_what_ran(server: Server, root: Path) -> None:
    """
    And `cancel` takes the id that `ps` prints.
    """
    detached = answer(server, "call", "count", f"folder={root}/waiting", "to=2", "--detach")
    execution_id = detached["execution_id"]
    shown = {each["execution_id"]: each for each in answer(server, "ps")}
    cancelled = answer(server, "cancel", execution_id)

    assert shown[execution_id]["state"] in ("queued", "running")
    assert "finished" == cancelled["state"]
    assert "requested" == cancelled["outcome"]["cancelled"]["reason"]
    assert execution_id not in {each["execution_id"] for each in answer(server, "ps")}
    assert execution_id in {each["execution_id"] for each in answer(server, "ps", "--all")}


def test_a_detached_call_is_watched_to_its_end_from_anywhere(server: Server, root: Path) -> None:
    """
    Start it, log out, come back.
    """
    words = ("call", "count", f"folder={root}/going", "to=4", "--detach")
    execution_id = answer(server, *words)["execution_id"]
    watched = toolcell(server.target, "watch", execution_id)
    later = toolcell(server.target, "watch", execution_id, "--quiet")

    assert (0, "4\n", "1\n2\n3\n4\n") == (watched.returncode, watched.stdout, watched.stderr)
    assert (0, "4\n", "") == (later.returncode, later.stdout, later.stderr)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param("call calculate expression=6*7", 0, "", id="0: it completed"),
        pytest.param("call stumble then=explain", 1, "hint: Try again.", id="1: the tool failed"),
        pytest.param("call stumble then=exit", 1, "exited with code 3", id="1: it exited"),
        pytest.param("call count nofolder=x", 2, "no argument 'nofolder'", id="2: usage"),
        pytest.param("ps --target 127.0.0.1:1", 3, "toolcell serve", id="3: nobody is there"),
        pytest.param("call read_file path=/etc/shadow", 4, "refused", id="4: refused"),
        pytest.param(
            "call count folder={0}/waiting to=2 --limit wall=300ms", 124, "wall", id="124"
        ),
        pytest.param(
            "call count folder={0}/waiting to=2 --timeout 300ms", 124, "timeout", id="124: timeout"
        ),
        pytest.param(
            "call count folder={0}/waiting to=2 --validate-only", 0, "", id="0: a dry run"
        ),
    ],
)
def test_exit_codes_are_stable(
    server: Server, root: Path, words: str, code: int, says: str
) -> None:
    """
    Scripts branch on them.
    """
    target = "" if "--target" in words else server.target
    ended = toolcell(target, *words.format(root).split())

    assert code == ended.returncode, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    ],
)
def test_an_interrupted_call_ends_the_tool(
    server: Server, root: Path, number: signal.Signals, code: int
) -> None:
    """
    At once, and not after the grace period of a lost stream.
    """
    with started(server, "call", "count", f"folder={root}/waiting", "to=2") as running:
        assert running.stderr is not None
        assert "1\n" == running.stderr.readline()
        running.send_signal(number)
        _, said = running.communicate(timeout=SECONDS)
    with Client(server.target) as client:
        ended = newest(client)

    assert code == running.returncode
    assert "Traceback" not in said
    assert pb.EXECUTION_STATE_FINISHED == ended.state
    assert pb.CANCEL_REASON_REQUESTED == ended.outcome.cancelled.reason


def test_a_reader_that_has_enough_ends_the_call(server: Server, root: Path) -> None:
    """
    `toolcell call --json … | head -1`: a closed pipe is no reason for an error message.
    """
    words = ("call", "count", f"folder={root}/waiting", "to=2", "--json")
    with started(server, *words) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = json.loads(running.stdout.readline())
        running.stdout.close()
        (root / "waiting" / "1").touch()  # so that there is more to write
        said = running.stderr.read()
        running.wait(SECONDS)
    (root / "waiting" / "1").unlink()
    with Client(server.target) as client:
        ended = client.get_execution(first["execution_id"])

    assert (141, "") == (running.returncode, said)
    assert "cancelled" == ended.outcome.WhichOneof("kind")


def serve(folder: Path, text: str) -> Server:
    (folder / "settings.toml").write_text(text)
    program = [*TOOLCELL, "serve", "--settings", str(folder / "settings.toml")]
    return start(program, folder / "log")


@pytest.mark.parametrize("ends", ["in time", "too late"])
def test_serve_drains_when_it_is_told_to_end(tmp_path: Path, ends: str) -> None:
    """
    What runs gets its time, what comes is sent elsewhere, and every caller hears an ending.
    """
    root = tmp_path / "root"
    root.mkdir()
    seconds = 20 if ends == "in time" else 0.5
    text = f"[server]\n{LOCAL}drain_seconds = {seconds}\n"
    text += SETTINGS.format(root=root, talking=TALKING)
    with serve(tmp_path, text) as server, Client(server.target, attempts=0) as client:
        stream = client.execute("count", {"folder": str(root), "to": 2})
        for event in stream:
            if event.HasField("progress"):
                break
        server.process.terminate()
        refused = _refusal(client)
        if ends == "in time":
            (root / "on").touch()
        result = stream.result()
        code = server.process.wait(SECONDS)

    assert "DRAINING" == refused.reason
    assert refused.retryable
    assert ("completed" if ends == "in time" else "cancelled(drained)") == result.label
    assert 0 == code
    assert "Traceback" not in server.log.read_text()


def _refusal(client: Client) -> CallRefused:
    """
    The first refusal after the signal: it takes effect when the server's loop hears of it.
    """
    waiting = threading.Event()
    for _ in range(500):
        try:
            client.run("calculate", {"expression": "1"})
        except CallRefused as refused:
            return refused
        waiting.wait(0.01)
    raise AssertionError("the server went on taking calls")


def test_a_second_signal_cuts_the_drain_short(tmp_path: Path) -> None:
    """
    Whoever presses Ctrl-C twice does not want to wait for the tools.
    """
    root = tmp_path / "root"
    root.mkdir()
    text = f"[server]\n{LOCAL}drain_seconds = 600\n{SETTINGS.format(root=root, talking=TALKING)}"
    with serve(tmp_path, text) as server, Client(server.target, attempts=0) as client:
        stream = client.execute("count", {"folder": str(root), "to": 2})
        next(stream)
        server.process.send_signal(signal.SIGINT)
        _refusal(client)
        server.process.send_signal(signal.SIGINT)
        code = server.process.wait(SECONDS)
        with contextlib.suppress(ServerUnreachable):
            stream.result()

    assert 128 + signal.SIGINT == code
    assert "Traceback" not in server.log.read_text()


def test_doctor_says_what_this_host_isolates() -> None:
    """
    It needs no server, and its exit code is for provisioning scripts.
    """
    done = subprocess.run(
        [sys.executable, "-m", "toolcell_client.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    found = json.loads(done.stdout)

    assert 0 == done.returncode, done.stderr
    assert found["level"] in ("basic", "strong", "full")
    assert {"seccomp", "landlock", "mounts", "network"} <= {each["wall"] for each in found["walls"]}
    assert [] == [w for w in found["walls"] if w["status"] != "active" and not w["reason"]]
