"""
`make test-kernels`: the walls on other kernels than this one, with control groups delegated.

Boots Debian's cloud kernels, each in a machine of its own, and prints a line for each kernel and
user: level, attacks held, tests.  Exit code 1 if anything was breached or failed, 2 if something is
missing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kernels import disks, initramfs, machine, packages, plan, table

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache/kernels"


def main(arguments: Sequence[str]) -> int:
    """
    Run the matrix; the exit code.
    """
    given = _parse(arguments)
    commands = plan.make(given.user or plan.USERS, given.run or plan.RUNS, given.tests, given.only)
    rows: list[table.Row] = []
    try:
        packages.need_programs()
        busybox = packages.busybox(FOLDER)
        kernels = [packages.kernel(name, FOLDER) for name in given.kernel or packages.KERNELS]
        drives = (
            disks.system(ROOT, busybox, FOLDER),
            disks.tree(ROOT, plan.as_text(commands), FOLDER),
        )
    except packages.Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    for kernel in kernels:
        print(f"{kernel.release}:", file=sys.stderr)
        first = initramfs.build(kernel, busybox, FOLDER)
        report = machine.run(kernel, first, drives, commands, FOLDER)
        rows += [table.row(report, kernel.name, user) for user in given.user or plan.USERS]
    return _tell(rows, given.run or plan.RUNS)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-kernels", description=__doc__)
    parser.add_argument("--kernel", action="append", choices=tuple(packages.KERNELS))
    parser.add_argument("--user", action="append", choices=plan.USERS)
    parser.add_argument("--run", action="append", choices=plan.RUNS)
    parser.add_argument("--only", action="append", default=[], help="for `battery`: this attack")
    parser.add_argument("tests", nargs="*", help="for `contract`: these files and no others")
    return parser.parse_args(arguments)


def _tell(rows: Sequence[table.Row], runs: Sequence[str]) -> int:
    print(table.markdown(rows))
    if "contract" in runs:
        for what, why in plan.LEFT_OUT:
            print(f"left out: {what}: {why}")
    for row in rows:
        for fault in row.faults:
            print(f"RED {row.kernel} as {row.user}: {fault}")
    print(f"what was said in full: {FOLDER}/results-*.log")
    return int(any(row.faults for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
