"""
The page about workflows, and the command line that it shows.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running_server import Server, start_server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/workflows.md").read_text()
REPORT = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
SETTINGS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
SLOW = {
    "steps": [
        {"name": "a", "tool": "run_python", "arguments": {"code": "import time; time.sleep(30)"}}
    ]
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    With the settings of the page.
    """
    with start_server(tmp_path_factory.mktemp("server"), SETTINGS) as one:
        yield one


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.toml"
    file.write_text(REPORT)
    return file


def toolcell(server: Server, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "toolcell_client.cli", "workflow", *arguments]
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    return subprocess.run(
        program, input=text, capture_output=True, text=True, check=False, env=environment
    )


def answer(server: Server, *arguments: str, text: str = "") -> Any:
    done = toolcell(server, *arguments, text=text)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_example_in_toml_is_valid_and_runs(server: Server, report: Path) -> None:
    assert [] == answer(server, "validate", str(report))
    assert {"name": "report", "version": 1} == answer(server, "define", str(report))
    inputs = json.dumps({"expressions": ["6*7", "6/0"]})
    outputs = answer(server, "run", "report", "-d", inputs)

    assert [42] == [each for each in outputs["values"] if each is not None]
    assert 43 == outputs["total"]
    assert {"values": "failed", "total": "completed"} == outputs["states"]


def test_the_example_in_python_runs(server: Server) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    done = subprocess.run(
        [sys.executable, "-c", code[1]],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert "{'value': 84}" == done.stdout.strip()


def test_all_that_is_wrong_is_printed(server: Server) -> None:
    wrong = {"steps": [{"name": "a", "tool": "gone"}, {"name": "b", "tool": "x", "needs": ["c"]}]}
    done = toolcell(server, "validate", "-", text=json.dumps(wrong))

    assert 4 == done.returncode
    assert {"UNKNOWN_TOOL", "UNKNOWN_STEP"} == {each["code"] for each in json.loads(done.stdout)}


def test_definitions_are_listed_shown_and_deleted(server: Server, report: Path) -> None:
    version = answer(server, "define", str(report))["version"]
    assert version in [e["version"] for e in answer(server, "list") if e["name"] == "report"]
    assert "values" == answer(server, "show", "report")["definition"]["steps"][0]["name"]
    answer(server, "delete", "report")

    assert "report" not in [each["name"] for each in answer(server, "list")]
    assert 4 == toolcell(server, "show", "report").returncode


def test_a_run_is_left_watched_and_cancelled(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(SLOW))
    run_id = answer(server, "run", str(file), "--detach")["run_id"]
    assert run_id in [each["run_id"] for each in answer(server, "runs", "--state", "running")]
    assert "cancelled" == answer(server, "cancel", run_id)["state"]
    watched = toolcell(server, "watch", run_id)

    assert 1 == watched.returncode
    assert "cancelled" in watched.stderr
    assert 4 == toolcell(server, "resume", run_id, "retry").returncode
    assert 2 == toolcell(server, "runs", "--state", "asleep").returncode


def test_interrupting_the_command_ends_the_run(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps({**SLOW, "name": "interrupted"}))
    program = [sys.executable, "-m", "toolcell_client.cli", "workflow", "run", str(file)]
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}

    def states() -> list[str]:
        found = answer(server, "runs")
        return [each["state"] for each in found if each.get("workflow") == "interrupted"]

    with subprocess.Popen(program, stderr=subprocess.PIPE, env=environment) as running:
        wait_until(lambda: states() == ["running"])
        running.terminate()
        running.communicate(timeout=30)

    assert 143 == running.returncode
    assert ["cancelled"] == states()


def test_every_event_is_a_line_of_json_if_asked(server: Server) -> None:
    definition = {"steps": [{"name": "a", "tool": "calculate", "arguments": {"expression": "1"}}]}
    done = toolcell(server, "run", "-", "--json", text=json.dumps(definition))
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]

    assert ("accepted", "finished") == (events[0], events[-1])
    assert {"step_started", "execution", "step_finished"} <= set(events)
