"""
How the command line tells what went wrong, and what it lists when piped.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import grpc
import pytest
from command_line import SCHEMA, Toolcell
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2
from toolcell_client.testing import (
    HOLD,
    completed,
    exceeded,
    failed,
    lost,
    stdout,
)

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (completed(), 0, ""),
        (
            failed("it broke", hint="Try less."),
            1,
            "failed: RuntimeError: it broke\nhint: Try less.",
        ),
        (exceeded("memory", 2**20), 1, "exceeded(memory)"),
        (lost(), 1, "lost(internal)"),
        (exceeded("wall", 5), 124, "exceeded(wall)"),
        (exceeded("timeout", 5), 124, "exceeded(timeout)"),
    ],
    ids=["completed", "failed", "a limit", "lost", "the wall clock", "the timeout"],
)
def test_the_exit_code_tells_how_the_tool_ended(
    server: FakeServer, toolcell: Toolcell, ending: pb.Finished, code: int, said: str
) -> None:
    """
    Scripts branch on it.
    """
    server.tool("echo", ending)

    ended = toolcell("call", "echo")

    assert (ended.returncode, said in ended.stderr.decode()) == (code, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "required: COMMAND"),
        (["call"], 2, "required: NAME\n"),
        (["call", "echo", "--bogus"], 2, "unrecognized arguments: --bogus"),
        (["call", "echo", "stray"], 2, "'stray' is not an argument; write key=value"),
        (["call", "echo", "cuont=1"], 2, "did you mean count?"),
        (["call", "echo", "count=x"], 2, "count must be integer"),
        (["call", "echo", "path:=x"], 2, "must be JSON"),
        (["call", "echo", "a=1", "-d", "{}"], 2, "not both"),
        (["call", "echo", "-d", "@/nowhere"], 2, "No such file"),
        (["call", "echo", "--limit", "memory=much"], 2, "'much' is not a positive number"),
        (["call", "echo", "--limit", "memroy=1"], 2, "memory_bytes="),
        (["call", "echo", "--timeout", "0"], 2, "not a positive number"),
        (["call", "ech"], 4, "no tool 'ech' is registered\nhint: Use one of these: echo."),
        (["tools", "describe", "ech"], 4, "no tool 'ech' is registered"),
        (["watch", "x"], 4, "no execution 'x' is kept"),
        (["cancel", "x"], 4, "no execution 'x' is kept"),
        (["ps", "--target", "127.0.0.1:1"], 3, "start one with: toolcell serve"),
        (["call", "echo", "--target", "127.0.0.1:1"], 3, "no toolcell server at 127.0.0.1:1"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_with_its_remedy(
    server: FakeServer, toolcell: Toolcell, words: list[str], code: int, said: str
) -> None:
    """
    One line each, and never a traceback.
    """
    server.tool("echo", completed(), parameters=SCHEMA)

    ended = toolcell(*words)

    assert (ended.returncode, ended.stdout) == (code, b"")
    assert said in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_the_version_is_that_of_what_is_installed(toolcell: Toolcell) -> None:
    """
    The first thing that a report of a fault is asked for.
    """
    ended = toolcell("--version")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode() == f"toolcell {version('toolcell')}\n"


@pytest.mark.parametrize("command", ["serve", "doctor", "audit"])
def test_help_names_the_command_that_was_typed(toolcell: Toolcell, command: str) -> None:
    """
    Whoever copies the line of usage must not get "command not found".
    """
    ended = toolcell(command, "--help")

    assert ended.returncode == 0
    assert ended.stdout.startswith(f"usage: toolcell {command} ".encode())


def test_refused_arguments_are_listed(server: FakeServer, toolcell: Toolcell) -> None:
    """
    Each with the field it is about.
    """
    server.tool("echo", completed())
    violations = [("arguments_json/a", "must be a string"), ("arguments_json/b", "is required")]
    server.refuse(
        "echo", grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENTS_INVALID", violations=violations
    )

    ended = toolcell("call", "echo")

    assert ended.returncode == 4
    for field, description in violations:
        assert f"  {field}: {description}\n" in ended.stderr.decode()


def test_tools_are_listed_and_described_as_json(server: FakeServer, toolcell: Toolcell) -> None:
    """
    A pipe reads JSON, with numbers as numbers and the schema as a schema.
    """
    server.tool(
        "echo",
        parameters=SCHEMA,
        description="Says it again.",
        effects=registry_pb2.EFFECTS_READ_ONLY,
        limits=pb.Limits(memory_bytes=2**29),
    )

    listed = json.loads(toolcell("tools", "list").stdout)
    described = json.loads(toolcell("tools", "describe", "echo").stdout)

    assert listed == [described]
    assert (described["parameters"], described["effects"]) == (SCHEMA, "read_only")
    assert described["limits"] == {"memory_bytes": 2**29}


def test_executions_are_listed_watched_and_cancelled(
    server: FakeServer, toolcell: Toolcell
) -> None:
    """
    The life of a detached call, as an operator sees it.
    """
    server.tool("held", stdout(b"hello\n"), HOLD)

    started = json.loads(toolcell("call", "held", "--detach").stdout)
    execution_id = started["execution_id"]
    running = json.loads(toolcell("ps").stdout)
    cancelled = json.loads(toolcell("cancel", execution_id).stdout)
    watched = toolcell("watch", execution_id)

    assert [each["execution_id"] for each in running] == [execution_id]
    assert cancelled["outcome"]["cancelled"] == {"reason": "requested"}
    assert (watched.returncode, watched.stdout) == (1, b"")
    assert b"hello\n" in watched.stderr
    assert b"cancelled(requested)" in watched.stderr
    assert json.loads(toolcell("ps").stdout) == []
    assert len(json.loads(toolcell("ps", "--all").stdout)) == 1
