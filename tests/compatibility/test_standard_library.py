"""
A few runs of every workload that needs nothing but the standard library and programs that are
there; `make compatibility` runs all of them, the libraries' too, many times.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from running_server import start_server

from compatibility import running
from compatibility.workload import STANDARD, Seen, all_seen_plainly, workloads

if TYPE_CHECKING:
    from pathlib import Path

    from compatibility.running import Tried
    from compatibility.workload import Workload

RUNS = 2
WORKLOADS = {each.name: each for each in workloads(STANDARD)}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def expected() -> dict[Workload, Seen]:
    """
    What each workload does outside.
    """
    return all_seen_plainly(each for each in WORKLOADS.values() if not each.lacking)


@pytest.fixture(scope="module")
def tried(
    expected: dict[Workload, Seen], tmp_path_factory: pytest.TempPathFactory
) -> dict[Workload, Tried]:
    """
    What became of them in cells.
    """
    folder = tmp_path_factory.mktemp("server")
    with start_server(folder, running.settings([STANDARD])) as server:
        return running.run(server.target, expected, RUNS)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_does_in_a_cell_what_it_does_outside(
    name: str, tried: dict[Workload, Tried]
) -> None:
    workload = WORKLOADS[name]
    if workload.lacking:
        pytest.skip(f"there is no {workload.lacking} here")
    assert [] == tried[workload].failures
    assert RUNS == tried[workload].runs


def test_a_difference_would_be_seen(expected: dict[Workload, Seen], tmp_path: Path) -> None:
    """
    The control: outside something else comes out, by result, by output, by error output.
    """
    workload = WORKLOADS["numbers"]
    seen = expected[workload]
    others = [
        dataclasses.replace(seen, result=[*seen.result, 1]),
        dataclasses.replace(seen, stdout="more"),
        dataclasses.replace(seen, stderr="a warning"),
    ]
    with start_server(tmp_path, running.settings([STANDARD])) as server:
        for other in others:
            (tried,) = running.run(server.target, {workload: other}, 1).values()
            assert "not equal" in tried.failures[0]
