"""
How many fresh cells a second, and what a call adds to a tool that works.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import servers, working
from bench.bed import in_turns, ratio
from bench.programs import measure
from bench.quantities import Row

if TYPE_CHECKING:
    from bench.bed import Bed, Found
    from bench.quantities import Measured

FORKS = Path(__file__).parent / "forks.py"
ROOM = Path(__file__).parents[2] / "sandbox_worker"
IN_FLIGHT = 32
WORK_SECONDS = 0.1
WORKERS = 2


def fresh_cells(bed: Bed, found: Found) -> None:
    """
    Sustained; the floor is measured before and after, because both would slow each other down.
    """
    with servers.toolcell(bed.folder, "cells") as server:
        floors, loaded = [_forks(bed)], [_forks(bed, ROOM)]
        run = bed.load.calls(server.target, "run", IN_FLIGHT, bed.plan.lasting(60))
        floors, loaded = [*floors, _forks(bed)], [*loaded, _forks(bed, ROOM)]
    found.number("Run, sustained", IN_FLIGHT, [run])
    floor, warm = sum(floors) / len(floors), sum(loaded) / len(loaded)
    found.facts += [
        ("fresh cells a second, sustained", f"{run.rate:.0f}"),
        ("bare fork + exit + wait a second, nothing imported", f"{floor:.0f}"),
        ("bare fork + exit + wait a second, the worker's modules loaded", f"{warm:.0f}"),
    ]
    found.rows.append(
        Row(
            what="fresh cells a second, 32 in flight / bare fork + exit + wait on one core",
            measured=run.rate / floor,
            aim=0.6,
            at_least=True,
            detail=f"{run.rate:.0f} / {floor:.0f}; {run.rate / warm:.2f} of an interpreter with"
            " the worker's modules loaded",
        )
    )


def _forks(bed: Bed, *rooms: Path) -> float:
    seconds = str(bed.plan.lasting(5))
    command = [sys.executable, "-I", str(FORKS), seconds, *map(str, rooms)]
    return float(subprocess.check_output(command, text=True))


def overhead(bed: Bed, found: Found) -> None:
    """
    A tool that works 100 ms, two at once, beside two processes that do the very same and nothing
    else: on two cores they leave nothing for the server that would not slow a tool down.
    """
    loops = working.loops(WORK_SECONDS)
    sleeping, burning = f'{{"seconds": {WORK_SECONDS}}}', f'{{"loops": {loops}}}'
    with servers.toolcell(bed.folder, "overhead") as server:
        tool = partial(bed.load.calls, server.target, "run", WORKERS)
        subjects = {
            "sleep, bare": lambda seconds: _bare("sleep", WORK_SECONDS, seconds),
            "sleep, Run": lambda seconds: tool(seconds, tool="sleep", arguments=sleeping),
            "burn, bare": lambda seconds: _bare("burn", loops, seconds),
            "burn, Run": lambda seconds: tool(seconds, tool="burn", arguments=burning),
        }
        rounds = in_turns(subjects, bed.plan.rounds(6, 2.0))
    for name, each in rounds.items():
        found.number(f"100 ms of {name}", WORKERS, each)
    added = {
        kind: (ratio(rounds, f"{kind}, Run", f"{kind}, bare") - 1) * 100
        for kind in ("sleep", "burn")
    }
    found.rows.append(
        Row(
            what="overhead on a tool that works 100 ms, 2 in flight (the worse of both)",
            measured=max(added.values()),
            aim=2.0,
            unit=" %",
            detail=", ".join(f"{kind} {each:.2f} %" for kind, each in added.items()),
        )
    )


def _bare(kind: str, work: float, seconds: float) -> Measured:
    return measure("bench.working", kind, str(work), str(WORKERS), str(seconds))
