"""
Batches from both clients and from the command line, against a real server.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mortal import SETTINGS
from running_server import Server, start_server
from toolcell_client import AsyncClient, CallRefused, Client, NotRun, Result
from toolcell_client.cli import batch as command
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/registry/batches.md").read_text()
BUNDLES = Path(__file__).parent / "bundles"
DOUBLED = [{"tool": "echo", "arguments": {"text": each}, "call_id": each} for each in "abc"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = SETTINGS.format(root=root, mixed=BUNDLES / "mixed").replace("false", "true")
    limits = "max_executions = 2\nqueue = 40\n"
    with start_server(tmp_path_factory.mktemp("server"), settings, server=limits) as one:
        yield one


def test_the_results_of_a_batch_are_those_of_its_calls(client: Client) -> None:
    calls: list[Any] = [*DOUBLED, ("fail", {"how": "raise"}), ("nothing_like_it", {})]
    results = client.batch(calls).results()

    assert ["a", "b", "c", "4", "5"] == list(results)
    assert ["a", "b", "c"] == [_value(results[each]) for each in "abc"]
    failed, refused = results["4"], results["5"]
    assert isinstance(failed, Result)
    assert "failed" == failed.kind
    assert isinstance(refused, CallRefused)
    assert "UNKNOWN_TOOL" == refused.reason


def test_a_person_sees_what_each_call_came_to(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    On a terminal there is a table, and what was asked for must be in it.
    """
    monkeypatch.setattr(command, "for_people", lambda _: True)
    monkeypatch.setenv("COLUMNS", "200")
    stream = client.batch([*DOUBLED[:1], ("fail", {"how": "raise"}), ("nothing_like_it", {})])
    results = stream.results()
    assert stream.summary
    command._print(results, stream.summary, None)

    _, doubled, failed, refused = capsys.readouterr().out.splitlines()
    assert doubled.endswith(f"  {json.dumps(_value(results['a']))}")
    assert "  failed     " in failed
    assert isinstance(results["2"], Result)
    assert results["2"].outcome.message in failed
    assert "no tool 'nothing_like_it' is registered" in refused


def test_what_did_not_run_is_told(client: Client) -> None:
    calls: list[Any] = [("fail", {"how": "raise"}), *DOUBLED]
    results = client.batch(calls, max_parallel=1, stop_on_failure=True).results()

    assert [NotRun("1")] * 3 == [results[each] for each in "abc"]


def test_the_asynchronous_client_says_the_same(server: Server) -> None:
    async def scenario() -> tuple[list[str], dict[str, Any]]:
        async with AsyncClient(server.target) as client:
            stream = client.batch(DOUBLED)
            tags = [event.call_id async for event in stream]
            return tags, await stream.results()

    tags, results = asyncio.run(scenario())

    assert {"a", "b", "c", ""} == set(tags)
    assert ["a", "b", "c"] == [_value(results[each]) for each in "abc"]


def test_a_batch_that_is_sent_again_runs_nothing(client: Client) -> None:
    first = client.batch(DOUBLED)
    first.results()
    again = client.batch(first.request.calls).results()

    assert all(isinstance(each, Result) and each.replayed for each in again.values())


def test_a_stream_that_is_closed_cancels_what_runs(client: Client, root: Path) -> None:
    waiting = {"tool": "await_file", "arguments": {"folder": str(root), "name": "never"}}
    with client.batch([waiting, {**waiting, "detached": True}]) as stream:
        seen: set[str] = set()
        while len(seen) < 2:
            event = next(stream)
            if event.execution.HasField("progress"):
                seen.add(event.execution.execution_id)
        cancelled = stream.owned()
    [detached] = seen - set(cancelled)

    assert 1 == len(cancelled)
    assert client.get_execution(cancelled[0]).outcome.HasField("cancelled")
    assert not client.get_execution(detached).HasField("outcome")
    client.cancel(detached)


def test_a_batch_leaves_others_their_turn(client: Client, server: Server, root: Path) -> None:
    """
    Two places; a batch of forty that would take them all for as long as it lasts.
    """
    calls = [
        {"tool": "await_file", "arguments": {"folder": str(root), "name": f"go{number % 2}"}}
        for number in range(40)
    ]
    program = [sys.executable, "-m", "toolcell_client.cli", "call", "echo", "text=me too"]
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    with client.batch(calls) as stream:
        next(event for event in stream if event.execution.HasField("progress"))
        # A process of its own: clients of one process share their connection.
        with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment) as other:
            wait_until(lambda: bool(list(client.list_executions(state="queued", tool="echo"))))
            (root / "go0").write_text("")  # one of the two places becomes free
            answer, _ = other.communicate(timeout=40)

    assert b"me too" in answer


def test_the_command_line_prints_a_line_for_each_call(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "calls"
    file.write_text("\n".join(json.dumps(each) for each in [*DOUBLED, {"tool": "gone"}]))
    done = _toolcell(server, "batch", str(file), "-q")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert 1 == done.returncode, done.stderr
    assert ["a", "b", "c"] == [line.get("result") for line in lines[:3]]
    assert ["completed"] * 3 + ["refused"] == [line["state"] for line in lines]
    assert "UNKNOWN_TOOL" == lines[3]["reason"]


def test_the_command_line_reads_a_list_from_standard_input(server: Server) -> None:
    done = _toolcell(server, "batch", "-", "--parallel", "1", text=json.dumps(DOUBLED))

    assert 0 == done.returncode, done.stderr
    assert 3 == len(done.stdout.splitlines())


@pytest.mark.parametrize("text", ["{", '[{"arguments": {}}]', "[1]", '[{"tool": "t", "x": 1}]'])
def test_a_file_that_cannot_be_sent_is_a_usage_error(server: Server, text: str) -> None:
    done = _toolcell(server, "batch", "-", text=text)

    assert 2 == done.returncode
    assert "Traceback" not in done.stderr


def test_the_example_of_the_page_works(server: Server) -> None:
    text = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert text
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    done = subprocess.run(
        [sys.executable, "-c", text[1]],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    begins = [line.split()[:2] for line in done.stdout.splitlines()]
    assert [["product", "completed"], ["sum", "completed"], ["3", "failed"]] == begins


def _value(ending: object) -> Any:
    assert isinstance(ending, Result)
    return ending.value


def _toolcell(server: Server, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "toolcell_client.cli", *arguments]
    environment = {**os.environ, "TOOLCELL_TARGET": server.target}
    return subprocess.run(
        program, input=text, capture_output=True, text=True, check=False, env=environment
    )
