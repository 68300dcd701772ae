"""
The circuits of all tools: whose failures leave which tool alone for whom.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from scripted_executor import ScriptedExecutor, execution, finished, lost
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.breaking import breaker as breakers
from toolcell_server.breaking.breaker import Breaker
from toolcell_server.breaking.circuit import Rules
from toolcell_server.breaking.gate import BreakerGate
from toolcell_server.breaking.guarded import GuardedExecutor
from toolcell_server.gates import Call
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal
from toolcell_server.refusals import ToolUnavailable
from toolcell_server.tool import Tool

TOOL, OTHER = Tool(name="t", bundle="b", version="1"), Tool(name="t", bundle="b", version="2")
LOST = lost(pb.LOST_REASON_CELL_DIED).finished.outcome
DOWN = pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_TEMPORARY)
WRONG = pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_USER)
FINE = pb.Outcome(completed=pb.Completed())


@dataclass
class Scene:
    """
    A breaker with a clock of the test's.
    """

    now: float = 0.0
    changes: list[tuple[str, bool, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = Rules(failures=4, window_seconds=30, open_seconds=10, half_open=1)
        self.breaker = Breaker(rules, lambda: self.now, lambda *told: self.changes.append(told))
        self.gate = BreakerGate(self.breaker)

    def note(self, principal: str, outcome: pb.Outcome, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.note(TOOL, principal, outcome)

    def passes(self, principal: str, tool: Tool = TOOL) -> bool:
        try:
            self.enter(principal, tool).close()
        except ToolUnavailable:
            return False
        return True

    def enter(self, principal: str, tool: Tool = TOOL, **fields: Any) -> contextlib.ExitStack:
        call = Call(
            request=pb.RunRequest(tool=tool.name, **fields),
            principal=Principal(name=principal),
            tool=tool,
            limits=Limits(),
            arguments={},
            data=b"{}",
        )
        resources = contextlib.ExitStack()
        assert call is asyncio.run(self.gate.let_pass(call, resources))
        return resources


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("outcome", [LOST, DOWN], ids=["lost", "temporary"])
def test_a_caller_is_kept_from_what_failed_for_him(scene: Scene, outcome: pb.Outcome) -> None:
    scene.note("alice", outcome, 4)

    assert not scene.passes("alice")
    assert scene.passes("bob")
    assert scene.passes("alice", OTHER)


def test_a_hostile_caller_closes_a_tool_to_nobody_but_himself(scene: Scene) -> None:
    """
    Whatever he makes fail, and however often.
    """
    scene.note("mallory", LOST, 100)
    scene.note("mallory", DOWN, 100)

    assert not scene.passes("mallory")
    assert scene.passes("alice")
    assert [("t", False, 1)] == scene.changes


def test_what_several_callers_meet_closes_the_tool_to_all(scene: Scene) -> None:
    scene.note("alice", DOWN, 2)
    before = scene.passes("carol")
    scene.note("bob", DOWN, 2)

    assert before
    assert not scene.passes("carol")
    assert [("t", True, 1)] == scene.changes


def test_where_callers_are_not_told_apart_they_are_one(scene: Scene) -> None:
    scene.note("", DOWN, 4)

    assert not scene.passes("")


def test_a_zygote_that_dies_is_one_failure_however_many_ran_in_it(scene: Scene) -> None:
    """
    It serves again in a moment; one that dies again and again does not.
    """
    died = lost(pb.LOST_REASON_ZYGOTE_DIED).finished.outcome
    scene.note("alice", died, 50)
    once = scene.passes("alice")
    for _ in range(3):
        scene.now += 1.0
        scene.note("alice", died, 50)

    assert once
    assert not scene.passes("alice")


@pytest.mark.parametrize(
    "outcome",
    [
        WRONG,
        FINE,
        pb.Outcome(exceeded=pb.Exceeded(), category=pb.ERROR_CATEGORY_TEMPORARY),
        pb.Outcome(cancelled=pb.Cancelled(), category=pb.ERROR_CATEGORY_TEMPORARY),
        pb.Outcome(violated=pb.Violated()),
        pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_UNKNOWN),
    ],
)
def test_a_callers_own_faults_count_for_nothing(scene: Scene, outcome: pb.Outcome) -> None:
    scene.note("alice", outcome, 100)

    assert scene.passes("alice")
    assert not scene.breaker._circuits


def test_one_call_at_a_time_tries_whether_it_works(scene: Scene) -> None:
    scene.note("alice", DOWN, 4)
    scene.now = 10.0
    trying = scene.enter("alice")
    meanwhile = scene.passes("alice")
    trying.close()  # it said nothing: it was cancelled
    afterwards = scene.passes("alice")

    assert (False, True) == (meanwhile, afterwards)


def test_a_call_that_is_only_checked_tries_nothing(scene: Scene) -> None:
    scene.note("alice", DOWN, 4)
    with pytest.raises(ToolUnavailable):
        scene.enter("alice", validate_only=True)
    scene.now = 10.0
    with scene.enter("alice", validate_only=True):
        assert scene.passes("alice")


def test_it_works_again_when_a_call_has_completed(scene: Scene) -> None:
    scene.note("alice", DOWN, 4)
    scene.now = 10.0
    scene.note("alice", FINE)

    assert scene.passes("alice")
    assert [("t", False, 1), ("t", False, -1)] == scene.changes
    assert (1, 0) == (len(scene.breaker._circuits), sum(told[2] for told in scene.changes))


def test_a_refusal_says_when_to_come_back(scene: Scene) -> None:
    scene.note("alice", DOWN, 4)
    scene.now = 3.0
    with pytest.raises(ToolUnavailable) as refused:
        scene.enter("alice")

    assert ("UNAVAILABLE", "TOOL_UNAVAILABLE", 7.0, True) == (
        refused.value.code,
        refused.value.reason,
        refused.value.retry_delay_seconds,
        refused.value.retryable,
    )


def test_many_callers_do_not_fill_the_memory(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "MAXIMUM_CIRCUITS", 50)
    for number in range(500):
        scene.note(f"caller{number}", LOST, 4)

    assert len(scene.breaker._circuits) <= 50
    assert sum(told[2] for told in scene.changes) == sum(
        circuit.is_open for circuit in scene.breaker._circuits.values()
    )


def test_endings_reach_the_breaker(scene: Scene) -> None:
    async def whole() -> None:
        executor = GuardedExecutor(ScriptedExecutor(finished(DOWN)), scene.breaker)
        for _ in range(4):
            made = execution(tool="t", principal="alice")
            assert [1] == [1 async for _ in executor.execute(made)]

    asyncio.run(whole())
    assert not scene.passes("alice")
