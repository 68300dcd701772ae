"""
The page about the egress: ratios first, for they carry over to other machines; then the aims, the
numbers, and what machine it was.
"""

from __future__ import annotations

import math
import os
import platform
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TITLE = """\
# Egress beside a direct connection

Written by `make bench-egress`; `tests/bench/egress.py` says what is measured, and how."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    One number, without the egress and with it.  NaN: there is none on that side.
    """

    what: str
    unit: str
    without: float
    through: float

    @property
    def ratio(self) -> float:
        return self.through / self.without


@dataclass(frozen=True, slots=True)
class Aim:
    """
    What is hoped for, what was found, and whether that will do.
    """

    what: str
    found: str
    met: bool


def page(rows: Sequence[Row], aims: Sequence[Aim]) -> str:
    """
    All of it, in Markdown.
    """
    ratios = ((row.what, f"{row.ratio:.2f}") for row in rows if not math.isnan(row.ratio))
    found = ((aim.what, aim.found, "met" if aim.met else "MISSED") for aim in aims)
    numbers = ((r.what, r.unit, _number(r.without), _number(r.through)) for r in rows)
    lines = [
        TITLE,
        *_table("Ratios", ("", "with egress / without"), ratios),
        *_table("Aims", ("", "found", ""), found),
        *_table("Numbers", ("", "unit", "without", "with egress"), numbers),
        *("", "## Machine", "", *(f"* {line}" for line in machine())),
    ]
    return "\n".join(lines) + "\n"


def machine() -> Iterator[str]:
    """
    What the numbers depend on, and nothing that tells which machine it was.
    """
    release = re.match(r"[0-9.]+", platform.release())
    cores, busy = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    yield f"{cores} cores, {platform.machine()}, load {busy:.1f} (of the benchmark and all else)"
    yield f"Linux {release.group() if release else '?'}"
    yield f"Python {platform.python_version()}"
    yield "started by root" if os.geteuid() == 0 else "started by an ordinary user"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}" if value < 10 else f"{value:.0f}"


def _table(title: str, heads: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "", _line(heads), _line(["---"] * len(heads)))
    yield from map(_line, lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
