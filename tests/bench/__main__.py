"""
`make bench`: toolcell beside its floors and its alternatives, in one run on one machine.

Theory of operation.  Every row of the aims is a module's function that measures its subjects in
turns (`quantities.py` says why) and notes what it found.  On few cores server and load compete, for
the echo as for toolcell: therefore the ratios, not the milliseconds, are the finding.  What was
found goes to docs/benchmarks/calls.md with its plot, and the aims from there into README; a quick
look, with `--quick`, is only printed.

Exit code 1: a call failed, or something could not be measured.  A missed aim is told, and is no
failure of the benchmark's.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import traceback
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from bench import (
    density,
    drawing,
    governance,
    latency,
    overload,
    registering,
    report,
    streams,
    throughput,
)
from bench.bed import Bed, Found
from bench.generating import generating
from bench.plan import FULL_SECONDS, Plan
from bench.quantities import Row, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "benchmarks"
QUICK_SECONDS = 60.0
# In the order of the aims.
MEASUREMENTS = {
    "latency": latency.low_load,
    "cells": throughput.fresh_cells,
    "others": latency.others,
    "overhead": throughput.overhead,
    "tools": density.registered_tools,
    "registered": registering.registered_at_run_time,
    "warm": density.warm_cells,
    "output": streams.output,
    "overload": overload.overload,
    "governance": governance.governance,
    "hostile": governance.beside_a_hostile_caller,
    "flight": latency.in_flight,
    "sizes": streams.sizes,
    "waiting": density.waiting_executions,
}
WITHOUT_AIM = {"flight", "sizes", "waiting"}


def measured(plan: Plan, names: Sequence[str], folder: Path) -> tuple[Found, list[str]]:
    """
    What was found, and what failed.  One measurement that cannot be made does not end the others.
    """
    found = Found()
    failures = []
    with generating() as load:
        bed = Bed(plan, load, folder)
        for name in names:
            began = time.monotonic()
            try:
                MEASUREMENTS[name](bed, found)
            except (Exception, SystemExit) as exc:  # noqa: BLE001  # told, and the exit code says so
                failures.append(f"{name} could not be measured: {exc}")
                if name not in WITHOUT_AIM:
                    found.rows.append(Row(what=f"{name}: it failed", measured=nan, aim=nan))
                traceback.print_exc()
            failures += [f"{name}: {each}" for each in load.failures]
            load.failures.clear()
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return found, failures


def write(found: Found, folder: Path, seconds: float) -> str:
    """
    The page and its plot; the page.
    """
    bars = [(name, value) for name, value in found.bars if value > 0]  # NaN: no call succeeded
    text = report.page(found, seconds)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "calls.md").write_text(text)
    (folder / "calls.svg").write_text(drawing.picture(bars, found.growths))
    return text


def into_readme(page: str) -> None:
    """
    Let README's marked block say what the page says.
    """
    readme = ROOT / "README.md"
    text = readme.read_text()
    readme.write_text(text.replace(report.marked(text), report.marked(page)))


def asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="toolcell beside its floors")
    parser.add_argument(
        "--seconds", type=float, default=FULL_SECONDS, help="about how long (default %(default)g)"
    )
    parser.add_argument("--quick", action="store_true", help="a look of about a minute or two")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=[*MEASUREMENTS])
    parser.add_argument("--out", type=Path, help="write the page here, and leave README alone")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    given = asked(arguments)
    seconds = QUICK_SECONDS if given.quick else given.seconds
    with tempfile.TemporaryDirectory() as folder:
        found, failures = measured(Plan(seconds), given.only, Path(folder))
    whole = len(given.only) == len(MEASUREMENTS) and not given.quick
    place = given.out or (DOCS if whole else ROOT / ".cache" / "bench")
    page = write(found, place, seconds)
    print(f"\n{page}")
    if place == DOCS:
        into_readme(page)
    for row in found.rows:
        if row.verdict is not Verdict.MET:
            print(f"{row.verdict.value}: {row.what}: {row.measured:.2f}{row.unit} {row.broken}")
    for failure, count in _counted(failures).items():
        print(f"FAILED {count} times: {failure}")
    return int(bool(failures))


def _counted(failures: Sequence[str]) -> dict[str, int]:
    """
    How often each happened; what differs in a number only is the same.
    """
    failures = [re.sub(r"\d+(\.\d+)?", "N", each) for each in failures]
    return {each: failures.count(each) for each in dict.fromkeys(failures)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
