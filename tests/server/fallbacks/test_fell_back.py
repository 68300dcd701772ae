"""
After which endings another tool runs in the same execution, and what the caller is told.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import ScriptedExecutor, completed, execution, finished, kinds, lost, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.fallbacks.fell_back import FellBackExecutor, may_fall_back
from toolcell_server.refusals import CallRefused, NoCapacity

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

DOWN = finished(pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_TEMPORARY))
WRONG = finished(pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_USER))
CELL_DIED = lost(pb.LOST_REASON_CELL_DIED)


class Scene:
    """
    A tool and its fallback, each with the events of the test.
    """

    def __init__(self, *events: Any, refusal: CallRefused | None = None) -> None:
        self.base = ScriptedExecutor()
        self.told: list[str] = []
        self.executor = FellBackExecutor(self.base, self.told.append)
        self.closed: list[str] = []
        self.reports: tuple[pb.Denied, ...] = ()
        self.refusal = refusal
        self.first = self._made("first", *events, fallback=self._admit, effects="read_only")

    def _made(self, tool: str, *events: Any, **fields: Any) -> Execution:
        made = execution(tool=tool, **fields)
        made.resources.callback(self.closed.append, tool)
        self.base.tell(made, *events)
        return made

    async def _admit(self, failed: Execution) -> Execution:
        assert ["first"] == self.closed, "an execution has one place at a time"
        if self.refusal:
            raise self.refusal
        said = pb.FellBack(tool=failed.tool.name, fallback="second")
        more = {"instead_of": said, "stop": failed.stop, "reports": self.reports}
        return self._made("second", started(), completed(b"2"), **more)

    def run(self, call: Execution) -> list[pb.ExecuteResponse]:
        async def whole() -> list[pb.ExecuteResponse]:
            return [event async for event in self.executor.execute(call)]

        return asyncio.run(whole())


@pytest.mark.parametrize(
    ("ending", "cause"), [(DOWN, "temporary"), (CELL_DIED, "lost")], ids=["temporary", "lost"]
)
def test_another_tool_runs_and_the_caller_is_told(ending: pb.ExecuteResponse, cause: str) -> None:
    scene = Scene(started(), ending)
    events = scene.run(scene.first)
    last = events[-1].finished

    assert ["started", "fell_back", "started", "finished"] == kinds(events)
    assert ending.finished.outcome == events[1].fell_back.outcome
    assert (b"2", ["FELL_BACK"]) == (last.result_json, [each.reason for each in last.warnings])
    assert ["first", "second"] == scene.closed
    assert [cause] == scene.told


def test_what_gates_found_in_the_call_of_the_fallback_is_told() -> None:
    """
    They look at it anew, and let it pass with a report.
    """
    scene = Scene(started(), DOWN)
    scene.reports = (pb.Denied(operation="screen", reported_only=True),)
    events = scene.run(scene.first)

    assert ["started", "fell_back", "denied", "started", "finished"] == kinds(events)
    assert scene.reports[0] == events[2].denied


def test_a_callers_mistake_is_no_reason_for_another_tool() -> None:
    scene = Scene(started(), WRONG)

    assert ["started", "finished"] == kinds(scene.run(scene.first))
    assert [] == scene.closed


def test_who_was_asked_to_stop_runs_nothing_else() -> None:
    scene = Scene(started(), DOWN)
    scene.first.stop.request(pb.CANCEL_REASON_REQUESTED)

    assert ["started", "finished"] == kinds(scene.run(scene.first))


def test_a_fallback_that_is_refused_leaves_the_ending_as_it_was() -> None:
    """
    Of the fallback nothing is said but the reason: the caller may not know it.
    """
    scene = Scene(started(), DOWN, refusal=NoCapacity(1.0, "queue"))
    last = scene.run(scene.first)[-1].finished

    assert DOWN.finished.outcome == last.outcome
    assert [("FALLBACK_REFUSED", "the tool's fallback could not be used: NO_CAPACITY")] == [
        (each.reason, each.message) for each in last.warnings
    ]


def test_a_fallback_in_place_of_a_refused_tool_is_told_first() -> None:
    scene = Scene()
    said = pb.FellBack(tool="off", fallback="second", refusal="SWITCHED_OFF")
    made = scene._made("second", started(), completed(), instead_of=said)
    events = scene.run(made)

    assert ["fell_back", "started", "finished"] == kinds(events)
    assert ["refused"] == scene.told
    assert "second ran in place of off" == events[-1].finished.warnings[0].message


def test_what_the_fallback_holds_is_given_back_if_nobody_reads_on() -> None:
    scene = Scene(started(), DOWN)

    async def left_early() -> None:
        events: Any = scene.executor.execute(scene.first)
        async for event in events:
            if event.HasField("fell_back"):
                break
        await events.aclose()

    asyncio.run(left_early())
    assert ["first", "second"] == scene.closed


ZYGOTE_DIED = lost(pb.LOST_REASON_ZYGOTE_DIED)
UNKNOWN = lost(pb.LOST_REASON_OUTCOME_UNKNOWN)
UNBUILT = lost(pb.LOST_REASON_WALL_NOT_BUILT)


@pytest.mark.parametrize(
    ("effects", "idempotent", "falls"),
    [
        ("read_only", False, [DOWN, CELL_DIED, UNBUILT, ZYGOTE_DIED, UNKNOWN]),
        ("writes", True, [DOWN, CELL_DIED, UNBUILT, ZYGOTE_DIED]),
        ("writes", False, [CELL_DIED, UNBUILT]),
        ("destructive", False, [CELL_DIED, UNBUILT]),
    ],
)
def test_nothing_that_may_have_been_done_is_done_again(
    effects: str, idempotent: bool, falls: list[pb.ExecuteResponse]
) -> None:
    """
    A tool that was lost in the middle of writing may have written.
    """
    tool = dataclasses.replace(execution(effects=effects).tool, idempotent=idempotent)
    endings = [DOWN, CELL_DIED, UNBUILT, ZYGOTE_DIED, UNKNOWN, WRONG, completed()]

    assert falls == [each for each in endings if may_fall_back(tool, each.finished.outcome)]
