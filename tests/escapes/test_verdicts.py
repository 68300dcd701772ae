"""
What a run of an attack proves, whoever ran it.
"""

from __future__ import annotations

import dataclasses

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.battery import report
from toolcell_server.battery.attack import Attack, Traces
from toolcell_server.battery.verdict import BREACHED, HELD, KNOWN, REFUSED, VOID, judge

ATTACK = Attack(
    id="F0",
    name="try_something",
    module="files",
    promise="nothing happens",
    plan=lambda ground: {},
    endings=frozenset({"completed", "violated:seccomp"}),
)
COMPLETED = Traces(outcome="completed")
SHOWN = ["a secret got out"]


@pytest.mark.parametrize("outcome", ["completed", "violated:seccomp"])
def test_harm_outside_and_none_in_a_cell_is_held(outcome: str) -> None:
    verdict = judge(ATTACK, SHOWN, Traces(outcome=outcome), [], "")

    assert (HELD, ()) == (verdict.verdict, verdict.harm)


def test_an_attack_without_a_control_is_void() -> None:
    """
    What does nothing outside proves nothing by doing nothing in a cell.
    """
    verdict = judge(ATTACK, [], COMPLETED, [], "")

    assert verdict.verdict == VOID


@pytest.mark.parametrize("control", [SHOWN, []])
def test_harm_from_a_cell_is_a_breach_whatever_the_control(control: list[str]) -> None:
    verdict = judge(ATTACK, control, COMPLETED, ["a file was changed"], "")

    assert (BREACHED, ("a file was changed",)) == (verdict.verdict, verdict.harm)


def test_an_ending_that_was_not_foreseen_is_a_breach() -> None:
    verdict = judge(ATTACK, SHOWN, Traces(outcome="lost:internal", message="oh"), [], "")

    assert (BREACHED, ("it ended as lost:internal: oh",)) == (verdict.verdict, verdict.harm)


def test_a_harmed_service_is_a_breach() -> None:
    verdict = judge(ATTACK, SHOWN, COMPLETED, [], "2 + 3 is 6")

    assert (BREACHED, ("the service was harmed: 2 + 3 is 6",)) == (verdict.verdict, verdict.harm)


def test_a_refused_call_is_counted_apart() -> None:
    """
    On a host without walls nothing runs, and nothing is proved of the walls.
    """
    traces = Traces(outcome="refused:ISOLATION_BELOW_FLOOR", message="no walls")
    verdict = judge(ATTACK, SHOWN, traces, [], "")

    assert verdict.verdict == REFUSED
    assert "no walls" in verdict.harm[0]


def test_a_refusal_that_is_the_defence_holds() -> None:
    attack = dataclasses.replace(ATTACK, endings=frozenset({"refused:PATH_NOT_ALLOWED"}))
    verdict = judge(attack, SHOWN, Traces(outcome="refused:PATH_NOT_ALLOWED"), [], "")

    assert verdict.verdict == HELD


def test_a_known_risk_is_told_and_counted_apart() -> None:
    """
    It excuses the harm it names, and neither an ending nor what happens to the service.
    """
    attack = dataclasses.replace(ATTACK, known="it is known")
    verdict = judge(attack, SHOWN, COMPLETED, ["a secret got out"], "")
    harmed = judge(attack, SHOWN, COMPLETED, ["a secret got out"], "2 + 3 is 6")
    held = judge(attack, SHOWN, COMPLETED, [], "")

    assert verdict.verdict == KNOWN
    assert verdict.harm == ("a risk that is left: it is known", "a secret got out")
    assert (BREACHED, HELD) == (harmed.verdict, held.verdict)


def test_a_report_counts_every_verdict() -> None:
    verdicts = [
        judge(ATTACK, SHOWN, COMPLETED, [], ""),
        judge(ATTACK, [], COMPLETED, [], ""),
        judge(ATTACK, SHOWN, COMPLETED, ["harm"], ""),
    ]
    told = report.as_json(pb.IsolationReport(level=pb.ISOLATION_LEVEL_STRONG), verdicts)

    assert {"held": 1, "breached": 1, "known": 0, "refused": 0, "void": 1} == {
        word: told[word] for word in report.WORDS
    }
    assert told["level"] == "strong"
    assert "breached  F0   try_something" in report.line(verdicts[2])
    assert "harm" in report.line(verdicts[2])
