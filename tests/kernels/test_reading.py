"""
What a machine said is read without mercy: whatever is missing, breached or left makes it red.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kernels import machine, plan, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WALLS = [{"wall": "landlock", "status": "degraded"}, {"wall": "seccomp", "status": "active"}]
HELD = {"id": "F1", "name": "read", "verdict": "held", "harm": []}
VOID = {**HELD, "verdict": "void"}
BREACHED = {**HELD, "verdict": "breached", "harm": ["a file"]}
GREEN = "....\n12 passed, 3 skipped, 2 deselected in 9.00s"
RED = "FAILED tests/a.py::b - no\n1 failed, 11 passed in 9.00s"


def said(
    *,
    attacks: Sequence[Mapping[str, object]] = (HELD,),
    tests: str = GREEN,
    code: int = 0,
    left: str = "processes=0 groups=0",
    done: str = "@@ DONE",
) -> table.Row:
    """
    The line of a machine that ran everything as root.
    """
    doctor = json.dumps({"level": "strong", "walls": WALLS}, indent=2)
    battery = json.dumps({"level": "strong", "walls": WALLS, "attacks": attacks}, indent=2)
    outputs = {"doctor": f"a log line\n{doctor}", "battery": battery, "contract": tests}
    lines = ["noise of the boot", "@@ KERNEL 6.1.0-1"]
    for run, output in outputs.items():
        ending = code if run == "contract" else 0
        lines += [f"@@ BEGIN {run}-root", output, f"@@ LEFT {run}-root {left}"]
        lines.append(f"@@ END {run}-root {ending}")
    report = machine.read("\r\n".join([*lines, done]))
    return table.row(report, "6.1", "root")


def test_a_machine_in_which_everything_held_is_a_green_line() -> None:
    row = said(attacks=(HELD, HELD, VOID))

    assert [] == row.faults
    expected = ("6.1.0-1", "root", "strong", "landlock degraded", "2 of 3 (1 void)")
    assert (*expected, "12 passed, 3 skipped, 2 deselected") == row.cells()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param(said(attacks=(BREACHED,)), "breached: F1 read", id="an attack got through"),
        pytest.param(said(tests=RED, code=1), "FAILED tests/a.py::b", id="a test failed"),
        pytest.param(said(tests="", code=124), "exited with 124", id="no test was run"),
        pytest.param(said(left="processes=1 groups=0"), "left behind", id="a process was left"),
        pytest.param(said(left="processes=0 groups=2"), "left behind", id="groups were left"),
        pytest.param(said(done=""), "did not come to the end", id="it ended too soon"),
    ],
)
def test_whatever_went_wrong_makes_it_red(row: table.Row, fault: str) -> None:
    assert any(fault in each for each in row.faults), row.faults


def test_a_run_of_which_nothing_came_back_is_no_success() -> None:
    row = table.row(machine.read(""), "6.12", "user")

    assert row.faults
    assert table.NOT_RUN in row.cells()


def test_every_command_of_a_plan_is_one_line() -> None:
    """
    The machine reads them with `read`: name, user, seconds, and the rest is the command.
    """
    commands = plan.make(plan.USERS, plan.RUNS, (), ("F1", "R2"))
    lines = plan.as_text(commands).splitlines()

    assert len(plan.USERS) * len(plan.RUNS) == len(lines)
    assert all(line.split()[0].startswith(plan.RUNS) for line in lines)
    assert any("--battery --only F1 R2" in line for line in lines)
