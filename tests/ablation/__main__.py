"""
`python -m ablation`: runs every attack of the battery in cells that lack walls, one column of the
table after the other, and writes the table (README.md beside this).  Run as root.

    --only COLUMN …    as in `--only "without landlock" none`
    --attacks NAME …   these attacks; names as in the table
    --resume           keep what an earlier run has found
    --parallel N       columns at a time

Exit code 1 if an attack on files, processes or secrets rests on one wall, and `reasons.py` does not
say why; 2 if it cannot be run here.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ablation import columns, running, table
from ablation.columns import COLUMNS
from toolcell_server.battery import catalogue

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Attack

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".cache" / "ablation"
TABLE = ROOT / "docs" / "ablation.md"


def main() -> int:
    """
    Run what was asked for; the exit code.
    """
    given = _parser().parse_args()
    if why := running.not_here():
        print(why, file=sys.stderr)
        return 2
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = [a for a in catalogue.ATTACKS if not given.attacks or a.name in given.attacks]
    with concurrent.futures.ThreadPoolExecutor(given.parallel) as threads:
        tasks = {
            column: threads.submit(_column, column, wanted, resume=given.resume)
            for column in given.only or COLUMNS
        }
        for column, task in tasks.items():
            found = task.result()
            held = sum(line["verdict"].startswith("held") for line in found.values())
            print(f"{column:22} {held} of {len(found)} held", flush=True)
    found = {column: running.load(_cache(column)) for column in COLUMNS}
    if not table.complete(catalogue.ATTACKS, found):
        print("not every attack was run in every column: the table is left as it is")
        return 0
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table.text(catalogue.ATTACKS, found))
    unexplained = table.unexplained(catalogue.ATTACKS, found)
    for line in unexplained:
        print(f"rests on one wall, and nothing says why: {line}", file=sys.stderr)
    return 1 if unexplained else 0


def _column(column: str, attacks: list[Attack], *, resume: bool) -> dict[str, running.Line]:
    cache = _cache(column)
    if not resume:
        cache.unlink(missing_ok=True)
    found = running.load(cache)
    names = [attack.function for attack in attacks if columns.tries(column, attack.id)]
    return running.run(column, [name for name in names if name not in found], cache)


def _cache(column: str) -> Path:
    return CACHE / f"{column.replace(' ', '-')}.jsonl"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ablation")
    parser.add_argument("--only", nargs="+", choices=COLUMNS, metavar="COLUMN")
    parser.add_argument("--attacks", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
