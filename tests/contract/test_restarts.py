"""
A real server is ended and started again on the same `state_dir`.
"""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest
from mortal import MIXED, SECONDS
from processes import await_end, descendants
from running_server import NotStarted, start_server
from toolcell_client import Client
from toolcell_server.database import FILE

if TYPE_CHECKING:
    from pathlib import Path

    from running_server import Server

EXPRESSION = {"expression": "6 * 7"}


def start(folder: Path, state: Path, settings: str = "") -> Server:
    folder.mkdir()
    return start_server(folder, settings, flags=("--set", f"state_dir={state}"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def test_a_call_is_replayed_and_known_after_a_restart(tmp_path: Path, state: Path) -> None:
    with start(tmp_path / "one", state) as server, Client(server.target) as client:
        first = client.run("calculate", EXPRESSION, request_id="1")
        other = client.run("calculate", EXPRESSION)
    assert 0o600 == stat.S_IMODE((state / FILE).stat().st_mode)
    with start(tmp_path / "two", state) as server, Client(server.target) as client:
        again = client.run("calculate", EXPRESSION, request_id="1")
        watched = client.watch(other.execution_id).result()

    assert (False, True) == (first.replayed, again.replayed)
    assert (first.execution_id, first.value) == (again.execution_id, again.value)
    assert other.value == watched.value


def test_a_second_server_on_the_same_folder_does_not_start(tmp_path: Path, state: Path) -> None:
    """
    And says which folder, and what to do.
    """
    with start(tmp_path / "one", state), pytest.raises(NotStarted) as refused:
        start(tmp_path / "two", state)
    start(tmp_path / "three", state).stop()

    assert f"{state / FILE}: another server has it" in str(refused.value)


def test_a_database_that_is_none_is_refused_at_the_start(tmp_path: Path, state: Path) -> None:
    """
    A server that forgot its starts would run calls twice.
    """
    (state / FILE).write_text("no database, whatever its name says\n" * 100)
    with pytest.raises(NotStarted, match="not a database"):
        start(tmp_path / "one", state)


def test_a_table_of_another_make_is_refused_at_the_start(tmp_path: Path, state: Path) -> None:
    with sqlite3.connect(state / FILE) as database:
        database.execute("CREATE TABLE executions (number INTEGER PRIMARY KEY)")
    database.close()
    with pytest.raises(NotStarted, match=r"table of executions .* another state_dir"):
        start(tmp_path / "one", state)


def test_a_server_that_died_over_a_call_counts_and_logs_it_as_lost(
    tmp_path: Path, state: Path
) -> None:
    """
    Lost is what operators are to be alerted of.
    """
    bundle = f'[[bundles]]\nname = "mixed"\npath = "{MIXED}"\n'
    with start(tmp_path / "one", state, bundle) as server, Client(server.target) as client:
        stream = client.execute("sleep_on", request_id="1")
        next(event for event in stream if event.HasField("progress"))
        everything = descendants(server.process.pid)
        server.process.kill()
        await_end([server.process.pid, *everything], SECONDS)
        stream.close()
    with start(tmp_path / "two", state, bundle) as server, Client(server.target) as client:
        result = client.run("sleep_on", request_id="1")
        metrics = server.scrape()

    assert ("lost(outcome_unknown)", True) == (result.label, result.replayed)
    assert 'toolcell_executions_total{outcome="lost",tool="sleep_on"} 1.0' in metrics
    assert f"execution_id={result.execution_id}" in server.log.read_text()
