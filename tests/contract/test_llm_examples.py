"""
Every file in examples/ runs, as a program, without a key, against a real server.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from example_programs import EXAMPLES, ROOT, SHOWN_FOLDER, run, serve
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import Server

BOTH = "19 times 23 is 437; the text has 6 words."
# By the file: a line that it prints.  Each is made of what tools really answered.
LINES = {
    "anthropic_messages.py": BOTH,
    "approval.py": "The model wants write_file with {'path': ",
    "extraction.py": "[{'name': 'Ada Lovelace', 'born': 1815, 'city': 'London'}]",
    "gemini.py": BOTH,
    "langchain_agent.py": f"ai: {BOTH}",
    "large_registry.py": "rome7 greets Ada. The model was offered 6 tools.",
    "mcp_client.py": "calculate: 437",
    "openai_agents_sdk.py": BOTH,
    "openai_chat.py": BOTH,
    "openai_functions.py": BOTH,
    "openai_loop_after.py": "It has 6 words.",
    "openai_loop_before.py": "It has 6 words.",
    "openai_responses.py": BOTH,
    "plain_callable.py": BOTH,
    "pydantic_ai_agent.py": BOTH,
    "streaming.py": "It printed ['0', '1', '4']",
    "ten_tools.py": "10 tools; The report says: 3 sold, for 12 in all.",
    "voice_events.py": "That is 437.",
}
# What these import, and no programs.
PARTS = {"offline.py", "own_functions.py"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("examples")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serve(folder) as one:
        yield one


def completed(server: Server) -> list[str]:
    """
    Tools of the executions that completed.
    """
    with Client(server.target) as client:
        ended = [*client.list_executions(state="finished")]
    return [each.tool for each in ended if each.outcome.HasField("completed")]


def test_every_example_is_run() -> None:
    """
    A new file is named here, with what it prints.
    """
    assert {each.name for each in EXAMPLES.glob("*.py")} == LINES.keys() | PARTS


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", sorted(LINES.keys() - {"ten_tools.py"}))
def test_an_example_runs(name: str, server: Server, folder: Path) -> None:
    ran = run(name, server.target, folder / "granted")

    assert 0 == ran.returncode, ran.stderr
    assert [line for line in ran.stdout.splitlines() if line.startswith(LINES[name])], ran.stdout


@pytest.mark.timeout(180)
def test_ten_tools_are_ten_executions(tmp_path: Path) -> None:
    """
    The server says what ran, not the program.
    """
    with serve(tmp_path) as server:
        ran = run("ten_tools.py", server.target, tmp_path / "granted")
        tools = completed(server)

    assert 0 == ran.returncode, ran.stderr
    assert LINES["ten_tools.py"] == ran.stdout.splitlines()[-1]
    assert 10 == len(tools) == len(set(tools))
    assert "3 sold, for 12 in all.\n" == (tmp_path / "granted/report.txt").read_text()


def test_what_was_approved_was_written(server: Server, folder: Path) -> None:
    """
    And only then: the server had asked.
    """
    file = folder / "granted/confirmed/greeting.txt"
    file.unlink(missing_ok=True)
    ran = run("approval.py", server.target, folder / "granted")

    assert ("Hello\n", True) == (file.read_text(), LINES["approval.py"] in ran.stdout)


def test_what_the_terminal_refuses_is_not_written(server: Server, folder: Path) -> None:
    file = folder / "granted/confirmed/greeting.txt"
    file.unlink(missing_ok=True)
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"n\n")
        ran = run("approval.py", server.target, folder / "granted", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)

    assert (0, False) == (ran.returncode, file.exists()), ran.stderr
    assert "the user said no" in ran.stdout


@pytest.mark.parametrize("name", ["openai_chat.py", "openai_loop_after.py", "mcp_client.py"])
def test_without_a_server_one_line_says_how_to_start_one(name: str, tmp_path: Path) -> None:
    ran = run(name, "127.0.0.1:9", tmp_path)

    assert (1, "") == (ran.returncode, ran.stdout)
    assert 1 == len(ran.stderr.splitlines())
    assert "no toolcell server at 127.0.0.1:9; start one: toolcell serve" in ran.stderr


@pytest.mark.parametrize("name", sorted(LINES))
def test_an_example_says_how_to_run_it(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    head = text.partition('"""\n\n')[0]

    assert f"    python examples/{name}" in head or f" python examples/{name}" in head
    assert 20 <= len(text.splitlines()) <= 80


def test_the_settings_name_the_folder_of_the_programs() -> None:
    assert f'"{SHOWN_FOLDER}"' in (EXAMPLES / "offline.py").read_text()


def test_an_sdist_has_the_examples() -> None:
    only = re.search(r"targets.sdist\]\nonly-include = \[(.*?)\]", _project(), re.DOTALL)

    assert only
    assert '"examples"' in only[1]


def _project() -> str:
    return (ROOT / "pyproject.toml").read_text()
