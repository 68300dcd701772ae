"""
More work than places: runs wait for them, and nothing fails for want of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import records
from toolcell_client import CallRefused
from working import Working

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Working]:
    one = Working(tmp_path, limits="max_executions = 1\nqueue = 0\n")
    yield one
    one.stop()


def test_steps_wait_for_a_full_server(working: Working) -> None:
    step = working.step("each", for_each=list(range(8)))
    step["arguments"]["line"] = "each {{item}}"
    with working.start() as client:
        runs = [client.workflows.run({"steps": [step]}) for _ in range(2)]
        results = [each.result() for each in runs]

    assert ["completed"] * 2 == [each.state for each in results]
    assert {2} == set(working.counted().values())


def test_a_server_that_takes_up_many_runs_at_once_fails_none(working: Working) -> None:
    step = working.step("a", tool="append_again")
    step["arguments"]["after"] = 0.2
    definition: dict[str, Any] = {"steps": [step, working.step("b", needs=["a"])]}
    with working.start() as client:
        ids = []
        for _ in range(6):
            stream = client.workflows.run(definition)
            next(stream)
            ids.append(stream.run_id)
        working.kill()
    with working.start() as client:
        results = [client.workflows.watch(each).result() for each in ids]
        for each in results:
            if each.state == "interrupted":
                client.workflows.resume(each.run_id, "skip")

    assert "failed" not in {each.state for each in results}
    assert working.counted()["b"] <= 6


def test_a_refusal_in_a_batch_is_recorded_as_any_other(working: Working) -> None:
    with working.start() as client:
        [ended] = client.batch([("no_such_tool", {})]).results().values()
        assert isinstance(ended, CallRefused)
    working.stop()
    every = records(working.folder / "state" / "audit")
    [refused] = [one["data"] for one in every if one["type"].endswith("call.refused")]

    assert "UNKNOWN_TOOL" == refused["reason"]
    assert refused["method"].endswith("/ExecuteBatch")
    assert "no_such_tool" == refused["tool"]
