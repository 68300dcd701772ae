"""
Tools that take too much, each ended by the limit that it broke.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_client import Client, Result

    from demo.report import Report

HOARD = "kept = []\nwhile True:\n    kept.append(bytearray(2**20))\n"
SPIN = "while True:\n    pass\n"


def show_limits(client: Client, report: Report) -> None:
    """
    Memory, alone and together; processes; processor time; the wall clock.
    """
    report.title("limits")
    hoard = {"code": HOARD}
    _ended(client, report, "exceeded(memory)", "run_python", hoard, limits={"memory_bytes": 2**27})
    _ended(client, report, "exceeded(memory)", "eight_hoarders", {"mebibytes": 40})
    _fork_bomb_beside_a_neighbour(client, report)
    _ended(
        client, report, "exceeded(wall)", "run_python", {"code": SPIN}, limits={"wall_seconds": 1}
    )
    _ended(client, report, "exceeded(cpu)", "run_python", {"code": SPIN}, limits={"cpu_seconds": 1})
    result = client.run("calculate", {"expression": "6 * 7"})
    report.check("and the next call works", expected="completed", actual=result.label)


def _ended(
    client: Client, report: Report, expected: str, tool: str, arguments: dict[str, Any], **more: Any
) -> Result:
    began = time.monotonic()
    result = client.run(tool, arguments, **more)
    seconds = time.monotonic() - began
    report.check(f"{tool} was ended", expected=expected, actual=result.label)
    report.tell(f"after {seconds:.2f} s; the model is told: {result.outcome.hint}")
    return result


def _fork_bomb_beside_a_neighbour(client: Client, report: Report) -> None:
    """
    While one cell forks without end, another forks as if it were alone.
    """
    polite: list[Result] = []
    beside = threading.Thread(
        target=lambda: polite.append(client.run("fork_politely", {"children": 40}))
    )
    beside.start()
    _ended(client, report, "exceeded(processes)", "fork_bomb", {})
    beside.join()
    report.check("its neighbour forked 40 times", expected=40, actual=polite[0].value)
