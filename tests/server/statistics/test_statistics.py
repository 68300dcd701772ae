"""
The tallies of all tools: which tool an ending belongs to, and what a restart finds.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import execution
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.database import Database
from toolcell_server.manifest import Price
from toolcell_server.scopes import Scope
from toolcell_server.statistics import statistics as module
from toolcell_server.statistics.saving import Saving
from toolcell_server.statistics.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from toolcell_server.execution import Execution

COMPLETED = pb.Finished(outcome=pb.Outcome(completed=pb.Completed()))


class Later:
    """
    What is to be done later, when the test says so.
    """

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, _seconds: float, function: Callable[[], None]) -> None:
        self.waiting.append(function)

    def comes(self) -> None:
        waiting, self.waiting = self.waiting, []
        for function in waiting:
            function()


def call(tool: str = "echo", principal: str = "alice", **fields: Any) -> Execution:
    made = execution(tool=tool, principal=principal)
    return dataclasses.replace(made, tool=dataclasses.replace(made.tool, **fields))


def failed(**fields: Any) -> pb.Finished:
    return pb.Finished(outcome=pb.Outcome(failed=pb.Failed(**fields), message="it broke"))


class TestStatistics:
    def test_a_tool_that_never_ran_has_none(self) -> None:
        assert Statistics().of(call().tool) is None

    def test_versions_and_scopes_are_told_apart(self) -> None:
        statistics = Statistics()
        calls = [
            call(),
            call(version="2"),
            call(scope=Scope("principal", "alice")),
            call(scope=Scope("session", "alice", "one")),
            call(scope=Scope("principal", "bob")),
        ]
        for each in calls:
            statistics.count(each, COMPLETED)

        tallies = [statistics.of(each.tool) for each in calls]
        assert [1] * 5 == [tally.calls for tally in tallies if tally]

    @pytest.mark.parametrize(
        ("finished", "expected"),
        [
            (failed(code="NO_SUCH_CITY", exception="ToolError"), "NO_SUCH_CITY"),
            (failed(exception="KeyError"), "KeyError"),
            (failed(exit_code=3), "failed"),
            (
                pb.Finished(outcome=pb.Outcome(exceeded=pb.Exceeded(limit=pb.LIMIT_CPU))),
                "exceeded_cpu",
            ),
            (pb.Finished(), "lost"),
        ],
    )
    def test_an_error_has_the_most_exact_type_that_is_known(
        self, finished: pb.Finished, expected: str
    ) -> None:
        statistics, made = Statistics(), call()
        statistics.count(made, finished)

        tally = statistics.of(made.tool)
        assert tally
        assert {expected: 1} == tally.errors

    def test_a_run_costs_what_its_tool_says(self) -> None:
        spent: list[tuple[str, float]] = []
        statistics = Statistics(spent=lambda tool, cost: spent.append((tool, cost)))
        made = call(price=Price(per_call=0.25, per_cpu_second=2.0))
        ran = pb.Finished(outcome=COMPLETED.outcome)
        ran.usage.cpu_user.nanos = 500_000_000
        statistics.count(made, ran)
        statistics.count(made, pb.Finished(outcome=COMPLETED.outcome, cached=True))

        tally = statistics.of(made.tool)
        assert tally
        assert 1.25 == tally.cost
        assert [("echo", 1.25)] == spent

    def test_what_somebody_registered_for_himself_is_no_label(self) -> None:
        spent: list[tuple[str, float]] = []
        statistics = Statistics(spent=lambda tool, cost: spent.append((tool, cost)))
        own = call(price=Price(per_call=0.25), scope=Scope("principal", "alice"))
        statistics.count(own, pb.Finished(outcome=COMPLETED.outcome))

        assert [("own", 0.25)] == spent

    def test_ever_new_versions_take_no_more_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "TALLIES", 3)
        statistics = Statistics()
        calls = [call(version=str(number)) for number in range(5)]
        for each in calls:
            statistics.count(each, COMPLETED)

        known = [statistics.of(each.tool) is not None for each in calls]
        assert [False, False, True, True, True] == known


class TestSaving:
    def test_a_restart_finds_what_was_counted(self, tmp_path: Path) -> None:
        database = Database.opened(str(tmp_path))
        later = Later()
        statistics = Statistics(Saving(database), later)
        for principal in ("alice", "bob", "alice"):
            statistics.count(call(principal=principal), COMPLETED)
        later.comes()
        statistics.count(call(principal="carol"), failed(code="BAD"))
        statistics.save()
        database.close()

        again = Database.opened(str(tmp_path))
        tally = Statistics(Saving(again), later).of(call().tool)
        again.close()
        assert tally
        assert (4, 3, {"BAD": 1}) == (tally.calls, len(tally.callers), tally.errors)
        assert tally.quantile(0.5) > 0

    def test_one_plan_serves_many_calls(self, tmp_path: Path) -> None:
        database = Database.opened(str(tmp_path))
        later = Later()
        statistics = Statistics(Saving(database), later)
        for _ in range(10):
            statistics.count(call(), COMPLETED)

        assert 1 == len(later.waiting)
        later.comes()
        assert [] == later.waiting
        database.close()

    def test_a_store_that_cannot_be_written_stops_no_call_and_is_tried_again(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        database = Database.opened(str(tmp_path))
        later = Later()
        statistics = Statistics(Saving(database), later)
        database.query("PRAGMA query_only = ON")
        statistics.count(call(), COMPLETED)
        later.comes()
        statistics.count(call(), COMPLETED)
        later.comes()

        assert ["statistics cannot be saved"] == [
            record.getMessage().partition(":")[0] for record in caplog.records
        ]
        database.query("PRAGMA query_only = OFF")
        later.comes()
        found = Saving(database).load()
        database.close()
        assert [2] == [tally.calls for tally in found.values()]

    def test_a_row_that_cannot_be_read_begins_anew(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        database = Database.opened(str(tmp_path))
        statistics = Statistics(Saving(database), Later())
        statistics.count(call("whole"), COMPLETED)
        statistics.count(call("broken"), COMPLETED)
        statistics.save()
        database.execute("UPDATE tool_statistics SET counts = '?' WHERE tool = 'broken'")

        again = Statistics(Saving(database), Later())
        assert again.of(call("whole").tool)
        assert again.of(call("broken").tool) is None
        assert "broken" in caplog.text
        database.close()

    def test_what_is_forgotten_is_deleted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "TALLIES", 1)
        database = Database.opened(str(tmp_path))
        statistics = Statistics(Saving(database), Later())
        statistics.count(call(version="1"), COMPLETED)
        statistics.save()
        statistics.count(call(version="2"), COMPLETED)
        statistics.save()

        [(version,)] = database.query("SELECT version FROM tool_statistics")
        callers = database.query("SELECT version FROM tool_callers")
        database.close()
        assert ("2", [("2",)]) == (version, callers)
