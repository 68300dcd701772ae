"""
`make compatibility`: real workloads, many times each, in cells and outside.

Exit code 1: a workload failed in a cell that does not fail outside, or what came out differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from running_server import start_server

from compatibility import report, running
from compatibility.workload import (
    Bundle,
    Seen,
    Workload,
    all_seen_plainly,
    with_libraries,
    workloads,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compatibility", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each workload (default 200)")
    parser.add_argument("--python", required=True, help="an interpreter that has the libraries")
    parser.add_argument("--only", nargs="*", default=[], help="names of workloads, or parts")
    return parser.parse_args(arguments)


def expectations(bundles: Iterable[Bundle], only: Sequence[str]) -> dict[Workload, Seen]:
    """
    What each workload does outside.  It runs twice: what differs from itself cannot be compared.
    """
    held = [each for bundle in bundles for each in workloads(bundle)]
    chosen = [each for each in held if not only or any(part in each.name for part in only)]
    for each in chosen:
        if each.lacking:
            print(f"{each.name}: left out, there is no {each.lacking} here")
    there = [each for each in chosen if not each.lacking]
    expected = all_seen_plainly(there)
    again = all_seen_plainly(there)
    changing = [each.name for each in there if expected[each] != again[each]]
    assert not changing, f"not deterministic: {changing}"
    return expected


def show(title: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        print(*([f"\n{title}"] if number == 0 else []), line, sep="\n")


def main(arguments: Sequence[str]) -> int:
    options = asked(arguments)
    bundles = with_libraries(options.python)
    expected = expectations(bundles, options.only)
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder), running.settings(bundles))
        with server:
            tried = running.run(server.target, expected, options.runs)
    show("TABLE", report.table(tried))
    show("MACHINE", report.machine(bundles[0]))
    show("DENIED, AND DONE WITHOUT", report.denials(tried))
    show("FAILURES", report.failures(tried))
    failed = sum(len(each.failures) for each in tried.values())
    print(f"\n{len(tried)} workloads, {sum(e.runs for e in tried.values())} runs, {failed} failed")
    return int(failed > 0 or not tried)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
