"""
The server is killed at every event of a workflow, and started again: no step that must not runs
twice, and none is lost.

With `CRASHES` in the environment (`make crashes`) that is done to larger workflows, too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import workflow_pb2 as pb
from toolcell_client import Client, ToolcellError
from working import Working, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_DECISIONS = 10
EVERY = pytest.mark.skipif("CRASHES" not in os.environ, reason="takes minutes: make crashes")


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Working]:
    one = Working(tmp_path)
    yield one
    one.stop()


def small(working: Working) -> dict[str, Any]:
    """
    A step that may run twice, and one that may not, with what undoes it.
    """
    undo = {"tool": "append", "arguments": {"path": str(working.lines), "line": "unb"}}
    steps = [
        working.step("a", tool="append_again"),
        working.step("b", needs=["a"], compensate=undo),
        {"name": "bad", "tool": "fail", "needs": ["b"], "on_failure": "compensate"},
    ]
    return {"name": "small", "steps": steps}


def plain(working: Working) -> dict[str, Any]:
    """
    Steps that may not run twice before, within and after a loop; and one that may.
    """
    looped = working.step("each", for_each=[0, 1], needs=["first"], parallel=1)
    looped["arguments"]["line"] = "each {{item}}"
    return {
        "name": "plain",
        "steps": [
            working.step("again", tool="append_again"),
            working.step("first", needs=["again"]),
            looped,
            working.step("last", needs=["each"]),
        ],
        "outputs": {"last": "{{last.line}}"},
    }


def undone(working: Working) -> dict[str, Any]:
    """
    Two steps and what undoes them.
    """

    def undoing(name: str, **more: Any) -> dict[str, Any]:
        undo = {"tool": "append", "arguments": {"path": str(working.lines), "line": f"un{name}"}}
        return working.step(name, compensate=undo, **more)

    bad = {"name": "bad", "tool": "fail", "needs": ["b"], "on_failure": "compensate"}
    return {"name": "undone", "steps": [undoing("a"), undoing("b", needs=["a"]), bad]}


SMALL = {"a": (1, 2), "b": (1, 1), "unb": (1, 1)}
PLAIN = {"again": (1, 2), "first": (1, 1), "each 0": (1, 1), "each 1": (1, 1), "last": (1, 1)}
UNDONE = dict.fromkeys(("a", "b", "una", "unb"), (1, 1))


def killed_at(working: Working, client: Client, what: dict[str, Any], position: int) -> str:
    """
    Kill the server as soon as the reader has so many events of a new run; its id.
    """
    stream = client.workflows.run(what, request_id=f"run-{position}")
    for _ in range(position):
        if stream.is_over:
            break
        next(stream)
    working.kill()
    return stream.run_id


def decided(working: Working, client: Client, run_id: str) -> tuple[pb.WorkflowRun, set[str]]:
    """
    The run's end, after an operator has looked into the file as often as he was asked to; and what
    he found there, and did not have made again.
    """
    skipped: set[str] = set()
    for _ in range(MOST_DECISIONS):
        run = settled(client, run_id)
        if run.state != pb.WORKFLOW_RUN_STATE_INTERRUPTED:
            return run, skipped
        *_, event = client.workflows.watch(run_id)
        assert event.HasField("interrupted")
        name = f"un{event.step}" if event.compensation else event.step
        line = f"{name} {event.item}" if event.HasField("item") else name
        if working.counted()[line]:
            skipped.add(line)
        client.workflows.resume(run_id, "skip" if line in skipped else "retry")
    raise AssertionError("there was always another decision")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("make", "expected", "state"),
    [
        pytest.param(small, SMALL, pb.WORKFLOW_RUN_STATE_FAILED, id="small"),
        pytest.param(plain, PLAIN, pb.WORKFLOW_RUN_STATE_COMPLETED, id="plain", marks=EVERY),
        pytest.param(undone, UNDONE, pb.WORKFLOW_RUN_STATE_FAILED, id="undone", marks=EVERY),
    ],
)
def test_killed_at_every_event_nothing_runs_twice_and_nothing_is_lost(
    make: Any, expected: dict[str, tuple[int, int]], state: int, working: Working
) -> None:
    definition = make(working)
    client = working.start()
    events = list(client.workflows.run(definition))
    interrupted, wrong = 0, []
    for position in range(1, len(events)):
        working.lines.write_text("")
        run_id = killed_at(working, client, definition, position)
        client.close()
        client = working.start()
        first = settled(client, run_id)
        interrupted += first.state == pb.WORKFLOW_RUN_STATE_INTERRUPTED
        counted = working.counted()
        twice = [line for line, (_, most) in expected.items() if counted[line] > most]
        wrong += [f"{position}: {line} ran twice" for line in twice]
        run, skipped = decided(working, client, run_id)
        counted = working.counted()
        for line, (least, most) in expected.items():
            # What was skipped is not undone: nobody knows that it was done but the operator.
            lost = line.startswith("un") and line.removeprefix("un") in skipped
            if not (0 if lost else least) <= counted[line] <= most:
                wrong.append(f"{position}: {line} ran {counted[line]} times")
        if run.state != state:
            wrong.append(f"{position}: {run}")
    client.close()

    assert [] == wrong
    assert 0 < interrupted < len(events)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_step_that_may_run_twice_does_after_a_kill_in_its_middle(working: Working) -> None:
    """
    The control: the lines do show what runs twice.
    """
    definition = {"steps": [working.step("again", tool="append_again")]}
    definition["steps"][0]["arguments"]["after"] = 2.0
    with working.start() as client:
        stream = client.workflows.run(definition)
        while not working.counted():
            next(stream)
        working.kill()
    with working.start() as client:
        run = settled(client, stream.run_id)

    assert pb.WORKFLOW_RUN_STATE_COMPLETED == run.state
    assert 2 == working.counted()["again"]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("decision", "state", "count"),
    [
        ("retry", pb.WORKFLOW_RUN_STATE_COMPLETED, 2),
        ("skip", pb.WORKFLOW_RUN_STATE_COMPLETED, 1),
        ("fail", pb.WORKFLOW_RUN_STATE_FAILED, 1),
    ],
)
def test_an_interrupted_run_says_what_to_do_and_goes_on_as_decided(
    decision: str, state: int, count: int, working: Working
) -> None:
    definition = {
        "steps": [working.step("once"), working.step("after", needs=["once"])],
        "outputs": {"once": "{{once}}"},
    }
    definition["steps"][0]["arguments"]["after"] = 2.0  # type: ignore[index]
    with working.start() as client:
        stream = client.workflows.run(definition)
        while not working.counted():
            next(stream)
        working.kill()
    with working.start() as client:
        result = client.workflows.watch(stream.run_id).result()
        assert ("interrupted", "once") == (result.state, result.step)
        assert "retry, skip or fail" in result.message
        assert ["once"] == [each.interrupted_step for each in client.workflows.list_runs()]
        client.workflows.resume(stream.run_id, decision)
        with pytest.raises(ToolcellError):  # it waits no more
            client.workflows.resume(stream.run_id, decision)
        run = settled(client, stream.run_id)

    assert state == run.state
    assert count == working.counted()["once"]
    assert (decision != "fail") == (working.counted()["after"] == 1)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_call_whose_ending_is_forgotten_is_not_made_again(working: Working) -> None:
    """
    The server was down for longer than it keeps endings: nobody can tell whether the call ran.
    """
    working.limits = "keep_finished_seconds = 0"
    step = working.step("once")
    step["arguments"]["after"] = 2.0
    with working.start() as client:
        stream = client.workflows.run({"steps": [step]})
        while not working.counted():
            next(stream)
        working.kill()
    with working.start() as client:
        result = client.workflows.watch(stream.run_id).result()

    assert ("interrupted", "once") == (result.state, result.step)
    assert 1 == working.counted()["once"]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_that_drains_leaves_its_runs_to_the_next(working: Working) -> None:
    definition = {
        "steps": [working.step("a"), working.step("b", needs=["a"])],
        "outputs": {"b": "{{b.line}}"},
    }
    definition["steps"][0]["arguments"]["after"] = 1.0  # type: ignore[index]
    with working.start() as client:
        stream = client.workflows.run(definition)
        while not working.counted():
            next(stream)
        working.stop()
        assert {"a": 1} == dict(working.counted())
    with working.start() as client:
        result = client.workflows.watch(stream.run_id).result()

    assert {"b": "b"} == result.outputs
    assert {"a": 1, "b": 1} == dict(working.counted())
