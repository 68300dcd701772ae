"""
`toolcell call`, end to end: as a program, against a real gRPC server, piped.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from command_line import SCHEMA, Toolcell
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.testing import (
    completed,
    progress,
    stderr,
    stdout,
)

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client.testing import FakeServer


def test_stdout_is_the_result_and_nothing_else(server: FakeServer, toolcell: Toolcell) -> None:
    """
    `toolcell call … | jq` must work while the tool chats.
    """
    server.tool("echo", stdout(b"hello\n"), progress(0.5), stderr(b"there"), completed({"n": 1}))

    ended = toolcell("call", "echo")

    assert (ended.returncode, ended.stdout) == (0, b'{"n":1}\n')
    assert ended.stderr == b"hello\nthere"


def test_piped_output_of_a_tool_is_not_touched(server: FakeServer, toolcell: Toolcell) -> None:
    """
    A file is nobody's terminal: escape sequences and bytes that are no text stay as they are.
    """
    server.tool("raw", stderr(b"\x1b]0;x\x07\xff\r"), completed())

    assert toolcell("call", "raw").stderr == b"\x1b]0;x\x07\xff\r"


def test_what_was_only_reported_is_not_called_denied(
    server: FakeServer, toolcell: Toolcell
) -> None:
    """
    Whoever reads it would look for what broke.
    """
    fields: Any = {"wall": pb.WALL_NETWORK, "operation": "connect", "reason": "host_not_granted"}
    denied = pb.Denied(target="a.example:443", **fields)
    reported = pb.Denied(target="b.example:443", reported_only=True, **fields)
    server.tool("echo", denied, reported, completed(1))

    first, second = toolcell("call", "echo").stderr.decode().splitlines()
    why = "(host_not_granted; wall: network)"
    assert first == f"denied: connect a.example:443 {why}"
    assert second == f"not denied, only reported: connect b.example:443 {why}"


def test_warnings_are_for_whoever_called(server: FakeServer, toolcell: Toolcell) -> None:
    """
    That a tool is deprecated, or that state is lost, is said nowhere else.
    """
    ending = completed("OLD")
    ending.warnings.add(reason="TOOL_DEPRECATED", message="upper is deprecated: use shout")
    server.tool("upper", ending)

    ended, quiet = toolcell("call", "upper"), toolcell("call", "upper", "--quiet")

    assert (b'"OLD"\n', b"warning: upper is deprecated: use shout\n") == (
        ended.stdout,
        ended.stderr,
    )
    assert (b'"OLD"\n', b"") == (quiet.stdout, quiet.stderr)


def test_quiet_shows_the_result_only(server: FakeServer, toolcell: Toolcell) -> None:
    """
    For scripts that log their stderr.
    """
    server.tool("echo", stdout(b"hello\n"), completed(1))

    ended = toolcell("call", "echo", "--quiet")

    assert (ended.stdout, ended.stderr) == (b"1\n", b"")


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["count=3", "path=4"], {"count": 3, "path": "4"}),
        (["path:=4"], {"path": 4}),
        (["-q", "path=a=b", "--no-cache", "count=-1"], {"path": "a=b", "count": -1}),
        (["-d", '{"path": "x"}'], {"path": "x"}),
    ],
    ids=["typed by the schema", "raw JSON", "among flags", "all at once"],
)
def test_arguments_reach_the_tool(
    server: FakeServer, toolcell: Toolcell, words: list[str], sent: Any
) -> None:
    """
    The tool gets what the words mean, wherever they stand.
    """
    server.tool("echo", completed(), parameters=SCHEMA)

    assert toolcell("call", "echo", *words).returncode == 0
    assert json.loads(server.requests[0].arguments_json) == sent


@pytest.mark.parametrize("source", ["@file", "-"])
def test_data_is_sent_as_it_stands(
    server: FakeServer, toolcell: Toolcell, tmp_path: Path, source: str
) -> None:
    """
    The server reads strictly; reading here first would hide a duplicate key from it.
    """
    server.tool("echo", completed(), parameters=SCHEMA)
    data = b'{"path": "a", "path": "b"}\n'
    (tmp_path / "data.json").write_bytes(data)
    word = f"@{tmp_path}/data.json" if source == "@file" else "-"

    assert toolcell("call", "echo", "-d", word, input=data).returncode == 0
    assert server.requests[0].arguments_json == data


def test_flags_of_a_call_reach_the_server(server: FakeServer, toolcell: Toolcell) -> None:
    """
    With the units that people write.
    """
    server.tool("echo", completed())
    flags = "--timeout 500ms --limit memory=64MiB --limit wall_seconds=2 --limit processes=3"
    more = "--label team=a --call-id mine --minimum-isolation strong --version 2 --validate-only"

    assert toolcell("call", "echo", *flags.split(), *more.split()).returncode == 0

    request = server.requests[0]
    assert request.timeout.nanos == 500_000_000
    assert (request.limits.memory_bytes, request.limits.wall.seconds) == (2**26, 2)
    assert (request.limits.processes, dict(request.labels)) == (3, {"team": "a"})
    assert (request.call_id, request.version, request.validate_only) == ("mine", "2", True)
    assert request.minimum_isolation == pb.ISOLATION_LEVEL_STRONG


def test_json_prints_every_event_on_a_line(server: FakeServer, toolcell: Toolcell) -> None:
    """
    The whole stream, for programs that are not Python.
    """
    server.tool("echo", stdout(b"hello"), completed({"n": 1}))

    ended = toolcell("call", "echo", "--json")

    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [each["event"] for each in events] == ["accepted", "started", "output", "finished"]
    assert [each["sequence"] for each in events] == [1, 2, 3, 4]
    assert events[3]["result"] == {"n": 1}
    assert ended.stderr == b""
