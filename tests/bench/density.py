"""
Many tools registered, many cells at once, and the memory of those that only wait.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING

from processes import descendants

from bench import memory, servers
from bench.bed import LOW_LOAD_PAUSE_SECONDS, MEBIBYTE, in_turns, ratio
from bench.plan import SHORTEST
from bench.quantities import Curve, Growth, Row

if TYPE_CHECKING:
    from bench.bed import Bed, Found

TOOLS = (1, 10, 100, 1000, 10_000)
AT_ONCE = 1000
PATIENCE_SECONDS = 90.0
SLEEP = '{"seconds": 200}'  # longer than anybody waits; they are cancelled
BURST = 32


def registered_tools(bed: Bed, found: Found) -> None:
    """
    One server for each number of tools, measured in turns.
    """
    with contextlib.ExitStack() as running:
        subjects = {}
        for count in TOOLS:
            server = running.enter_context(servers.with_tools(bed.folder, count))
            if f'toolcell_tools{{state="available"}} {float(count)}' not in server.scrape():
                bed.load.failures.append(f"the server does not have {count} tools")
            subjects[str(count)] = partial(
                bed.load.calls, server.target, "run", 1, pause=LOW_LOAD_PAUSE_SECONDS
            )
        rounds = in_turns(subjects, bed.plan.rounds(8, 0.8))
    points = [
        (count, found.number(f"Run, registered tools: {count:,}", 1, rounds[str(count)]))
        for count in TOOLS
    ]
    curve = Curve("Run", [(count, measured.quantile(0.5)) for count, measured in points])
    found.growths.append(Growth("Registered tools", "tools", "p50, ms", [curve]))
    found.rows.append(
        Row(
            what="Run p50 with 10,000 registered tools / with 1",
            measured=ratio(rounds, str(TOOLS[-1]), str(TOOLS[0])),
            aim=1.2,
        )
    )


def warm_cells(bed: Bed, found: Found) -> None:
    """
    What a cell that waits for a call takes; once as the server started, once as demand left it.
    """
    counts, each = [], []
    for burst in (0, BURST):
        with servers.toolcell(bed.folder, f"warm-{burst}") as server:
            bed.load.calls(server.target, "run", max(1, burst), bed.plan.lasting(2))
            bed.load.ask("forget", target=server.target)
            time.sleep(0.2)  # arbitrary; what was asked for is over, and no cell has expired
            count, taken = memory.of_warm_cells(server.process.pid)
            counts.append(count)
            each.append(taken / count / MEBIBYTE if count else float("nan"))
    found.rows.append(
        Row(
            what="PSS per idle warm cell",
            measured=max(each),
            aim=2.0,
            unit=" MiB",
            detail=f"{each[0]:.2f} of {counts[0]} at rest, {each[1]:.2f} of {counts[1]} after a"
            f" burst of {BURST}",
        )
    )


def waiting_executions(bed: Bed, found: Found) -> None:
    """
    Many executions that wait, as for an answer from elsewhere, all at the same moment.
    """
    number = bed.plan.counted(AT_ONCE, least=100)
    lines = f"max_executions = {number}\nqueue = {number}\n"
    with servers.toolcell(bed.folder, "density", server=lines) as server:
        pid = server.process.pid
        bed.load.calls(server.target, "run", 1, SHORTEST)
        before, alone = memory.available(), memory.pss([pid, *descendants(pid)])
        asked = {"number": number, "arguments": SLEEP, "patience": PATIENCE_SECONDS}
        bed.load.begin("hold", target=server.target, **asked)
        reached = bed.load.answer()
        taken = before - memory.available()
        cells = len(memory.Cells.of(pid).cells)
        together = memory.pss([pid, *descendants(pid)])
        bed.load.begin("release")
        bed.load.answer()
    if reached["running"] < number:
        bed.load.failures.append(f"of {number} executions only {reached['running']} ran at once")
    found.facts += [
        ("executions that wait, at once", f"{reached['running']} of {number}"),
        ("until all of them ran", f"{reached['elapsed']:.1f} s"),
        ("cells then", str(cells)),
        ("memory taken from the host then", f"{taken / MEBIBYTE:.0f} MiB"),
        (
            "PSS of the server and all cells, before and then",
            f"{alone / MEBIBYTE:.0f} and {together / MEBIBYTE:.0f} MiB",
        ),
        ("memory taken from the host, per execution", f"{taken / MEBIBYTE / number:.2f} MiB"),
    ]
