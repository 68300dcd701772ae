"""
Reads what a machine reported, and makes one line of the matrix of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kernels.machine import Ending, Report

HEADINGS: Final = ("kernel", "user", "level", "walls not active", "attacks held", "tests")
_COUNT: Final = re.compile(r"(\d+) (passed|failed|skipped|errors?|deselected)")
NOT_RUN: Final = "not run"


@dataclass(slots=True)
class Row:
    """
    One kernel and user.  `faults` say what makes it red.
    """

    kernel: str
    user: str
    level: str = NOT_RUN
    walls: str = ""
    attacks: str = NOT_RUN
    tests: str = NOT_RUN
    faults: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        return (self.kernel, self.user, self.level, self.walls, self.attacks, self.tests)


def row(report: Report, kernel: str, user: str) -> Row:
    """
    The line of that user in a report.
    """
    found = Row(report.release or kernel, user)
    if not report.done:
        found.faults.append("the machine did not come to the end of its plan")
    readers = {"doctor": _take_doctor, "battery": _take_battery, "contract": _take_tests}
    for name, ending in report.endings.items():
        run, _, who = name.partition("-")
        if who == user:
            readers[run](found, ending)
            if ending.left != "processes=0 groups=0":
                found.faults.append(f"{run} left behind: {ending.left or 'nobody looked'}")
    return found


def markdown(rows: Iterable[Row]) -> str:
    """
    The matrix, readable as it is and as Markdown.
    """
    lines = [HEADINGS, *(one.cells() for one in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    text.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in text)


def _take_doctor(found: Row, ending: Ending) -> None:
    said = _json(ending.output)
    if said is None:
        found.level = "none"
        found.faults.append(f"doctor said no JSON: {ending.output[-500:]}")
        return
    found.level = said["level"]
    open_walls = [wall for wall in said["walls"] if wall["status"] != "active"]
    found.walls = ", ".join(f"{wall['wall']} {wall['status']}" for wall in open_walls) or "none"


def _take_battery(found: Row, ending: Ending) -> None:
    said = _json(ending.output)
    if said is None or "attacks" not in said:
        found.attacks = "no report"
        found.faults.append(f"the battery said no JSON: {ending.output[-500:]}")
        return
    verdicts = [attack["verdict"] for attack in said["attacks"]]
    found.attacks = f"{verdicts.count('held')} of {len(verdicts)}"
    if void := verdicts.count("void"):
        found.attacks += f" ({void} void)"
    for attack in said["attacks"]:
        if attack["verdict"] == "breached":
            found.faults.append(f"breached: {attack['id']} {attack['name']}: {attack['harm']}")


def _take_tests(found: Row, ending: Ending) -> None:
    lines = [line for line in ending.output.splitlines() if _COUNT.search(line)]
    counts = {word: number for number, word in _COUNT.findall(lines[-1] if lines else "")}
    found.tests = ", ".join(f"{number} {word}" for word, number in counts.items()) or "no summary"
    if ending.code != 0:
        red = [line for line in ending.output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        found.faults += red or [f"pytest exited with {ending.code}: {ending.output[-500:]}"]


def _json(text: str) -> Any:
    """
    The JSON object among log lines, if there is one.
    """
    begin = re.search(r"^\{", text, re.MULTILINE)
    if begin is None:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, begin.start())[0]
    except ValueError:
        return None
