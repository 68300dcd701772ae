"""
The pytest fixture for users' own tests: their tool, a real cell, no server.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import grpc
import pytest
import toolcell_client
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.cell import Cell, CellUnavailable
from toolcell_client.errors import InvalidArguments, PathNotAllowed, UnknownTool

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = '''
from pathlib import Path

from toolcell_worker import Context, reads, stages, tool


@tool
def add(a: int, b: int) -> int:
    """
    Add two numbers.
    """
    print("adding")
    return a + b


@tool
def peek(path: str) -> str:
    """
    Read a file that was not granted.
    """
    return Path(path).read_text()


@tool(paths=[reads("{path}")])
def read(path: str) -> str:
    """
    Read a file.
    """
    return Path(path).read_text()


@tool(paths=[stages("{path}")])
def save(path: str, context: Context) -> None:
    """
    Write a file, go on without another, and print a lot more than is kept.
    """
    Path(path).write_text("new")
    context.denied("open", "/other")
    print("x" * 2**21)
'''


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "mine.py").write_text(TOOLS)
    for each in (folder, *folder.parents):  # an unprivileged cell has to get there
        if each.is_relative_to(tmp_path.parent.parent):
            each.chmod(0o755)
    return folder


def test_a_tool_runs_as_it_would_on_a_server(toolcell_cell: Cell, bundle: Path) -> None:
    """
    Result, output and usage, from a real cell.
    """
    ended = toolcell_cell.run(bundle, "add", {"a": 1, "b": 2})

    assert (ended.kind, ended.value, ended.stdout) == ("completed", 3, b"adding\n")
    assert ended.usage.memory_peak_bytes > 0
    assert ended.isolation is not None
    assert ended.isolation.level >= pb.ISOLATION_LEVEL_BASIC


def test_a_tool_meets_the_walls_in_its_tests(toolcell_cell: Cell, bundle: Path) -> None:
    """
    A missing grant is found by the test, not in production.
    """
    canary = bundle.parent / "canary.txt"
    canary.write_text("secret")
    canary.chmod(0o644)

    ended = toolcell_cell.run(bundle, "peek", {"path": str(canary)})

    assert (ended.kind, ended.value) == ("failed", None)
    assert b"secret" not in ended.stdout + ended.stderr


def test_a_run_tells_what_it_wrote_was_denied_and_left_out(
    toolcell_cell: Cell, bundle: Path
) -> None:
    """
    As `Client.run` does: a test that asks for them must not find them empty.
    """
    root = bundle.parent / "root"
    root.mkdir(mode=0o755)

    ended = toolcell_cell.run(bundle, "save", {"path": f"{root}/new"}, roots=[root])

    assert (ended.kind, ended.truncated) == ("completed", True)
    assert ended.committed_paths == (f"{root}/new",)
    assert (root / "new").read_text() == "new"
    denials = [(denied.operation, denied.target, denied.reason) for denied in ended.denials]
    assert denials == [("open", "/other", "not_granted")]


def test_arguments_are_checked_as_on_a_server(toolcell_cell: Cell, bundle: Path) -> None:
    """
    A call that the server would refuse is no run.
    """
    with pytest.raises(InvalidArguments) as caught:
        toolcell_cell.run(bundle, "add", {"a": "one", "b": 2})

    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.hint
    assert [(each.field, each.description) for each in caught.value.violations] == [
        ("arguments_json/a", "must be an integer")
    ]


def test_a_tool_that_is_not_there_is_said_to_be_missing(toolcell_cell: Cell, bundle: Path) -> None:
    """
    With its name, and with what was probably meant.
    """
    with pytest.raises(UnknownTool, match="'ad'") as caught:
        toolcell_cell.run(bundle, "ad")

    assert "add" in caught.value.close_matches


def test_a_path_outside_of_the_roots_is_refused(toolcell_cell: Cell, bundle: Path) -> None:
    """
    By the name that `Client.run` gives it, so that a test can expect it.
    """
    with pytest.raises(PathNotAllowed):
        toolcell_cell.run(bundle, "read", {"path": "/etc/passwd"}, roots=[bundle])


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('no JSON')", "cannot be read"),
        ("print('[]')", "cannot be read"),
        ("print('{}')", "cannot be read"),
        ("import sys; sys.exit('no walls here')", "no walls here"),
        ("import os; os._exit(3)", "exited with 3"),
        ("import sys; print('{}'); sys.exit(4)", "cannot be read"),
        ("import sys; print(dict(refused=dict(code=99))); sys.exit(4)", "cannot be read"),
        ("import time; time.sleep(60)", "did not end within"),
    ],
    ids=[
        "no JSON",
        "no object",
        "an empty object",
        "an error",
        "a silent error",
        "a refusal that says nothing",
        "a refusal with no code that there is",
        "no end",
    ],
)
def test_a_program_that_misbehaves_is_an_error(tmp_path: Path, program: str, said: str) -> None:
    """
    Never a run that looks as if it had completed.
    """
    python = tmp_path / "python"
    # Not as its own first line: a path with a space in it is no interpreter there.
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}"\n')
    python.chmod(0o755)

    with pytest.raises(CellUnavailable, match=said):
        Cell(str(python)).run(tmp_path, "add", {}, timeout=2)


def test_the_public_names_are_listed() -> None:
    """
    Completion in an interpreter is where many people look first.
    """
    assert set(toolcell_client.__all__) <= set(dir(toolcell_client))


def test_the_plugin_loads_no_grpc() -> None:
    """
    It is loaded into every test run of whoever has toolcell installed.
    """
    program = "import sys, toolcell_client.pytest_plugin; print(int('grpc' in sys.modules))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert ended.stdout == b"0\n"
