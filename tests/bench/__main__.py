"""
`make bench`: toolcell beside its floors and its alternatives, in one run on one machine.

Theory of operation.  Each subject is measured alone: its server, if it has one, runs while the
others do not exist yet or idle, and the load comes from a process of its own.  On few cores server
and load compete, for the echo as for toolcell: therefore the ratios, not the milliseconds, are the
finding.  Exit code 1: a call failed, or the target was missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from running_server import Server, start, start_server

from bench import report, spawning
from bench.programs import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.report import Measured

IN_FLIGHT = (1, 8, 32)
SUBJECTS = 6  # two a server, and two programs
SHARE = 0.8  # of the time is measured; the rest goes into starting and warming up

TOOL = '''
from toolcell_worker import tool


@tool(effects="read_only")
def nothing() -> None:
    """Does nothing: what remains is the price of the cell."""
'''
SETTINGS = """
[[bundles]]
name = "bench"
path = "{tools}"
"""


def measurements(folder: Path, duration: float) -> Iterator[tuple[tuple[str, int], Measured]]:
    """
    Every subject, with every number of calls in flight; `duration` seconds each.
    """
    echo = [sys.executable, "-m", "bench.echo_server"]
    with start(echo, folder / "echo.log") as server:
        yield from calls(server, {"run": "unary echo", "execute": "stream echo"}, duration)
    with toolcell(folder) as server:
        yield from calls(server, {"run": "Run", "execute": "Execute"}, duration)
    for kind, subject in spawning.SUBJECTS.items():
        if reason := spawning.why_not(kind):
            print(f"{subject}: left out, {reason}")
            continue
        for in_flight in IN_FLIGHT:
            arguments = (kind, str(in_flight), str(duration))
            yield (subject, in_flight), measure("bench.spawning", *arguments)


def calls(
    server: Server, subjects: dict[str, str], duration: float
) -> Iterator[tuple[tuple[str, int], Measured]]:
    for kind, subject in subjects.items():
        for in_flight in IN_FLIGHT:
            arguments = (server.target, kind, str(in_flight), str(duration))
            yield (subject, in_flight), measure("bench.load", *arguments)


def toolcell(folder: Path) -> Server:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "nothing.py").write_text(TOOL)
    return start_server(folder, SETTINGS.format(tools=tools))


def show(title: str, lines: Iterator[str]) -> None:
    print(f"\n{title}", *lines, sep="\n")


def seconds_asked(arguments: Sequence[str]) -> float:
    parser = argparse.ArgumentParser(prog="bench", description="toolcell beside its floors")
    parser.add_argument("--seconds", type=float, default=60, help="about how long (default 60)")
    return float(parser.parse_args(arguments).seconds)


def main(arguments: Sequence[str]) -> int:
    duration = seconds_asked(arguments) * SHARE / (SUBJECTS * len(IN_FLIGHT))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for key, each in measurements(Path(folder), duration):
            print(f"{key[0]}, {key[1]} in flight: {each.rate:.0f} calls/s", flush=True)
            results[key] = each
    show("RATIOS", report.ratios(results))
    show("MACHINE", report.machine())
    show("NUMBERS", report.numbers(results))
    failures = {text for each in results.values() for text in each.failures}
    if failures:
        show("FAILURES", iter(sorted(failures)))
    met = report.target_met(results)
    print(f"\nTarget, Run faster than python -I -c pass: {'met' if met else 'MISSED'}")
    return int(bool(failures) or not met)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
