"""
The page about calls: ratios and aims first, for they carry over to other machines; then how it
grows, the numbers, and what machine it was.  Pure, but for what it asks about the machine.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.egress_report import machine
from bench.quantities import Measured, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.bed import Found
    from bench.quantities import Growth, Row

__all__ = ["Measured", "machine", "page", "summary"]

BEGIN, END = "<!-- measured by make bench -->", "<!-- end of what was measured -->"
TITLE = """\
# Calls beside their floors

Written by `make bench`; `tests/bench` says what is measured, and how: everything in one run on the
same cores, the load generator in a process of its own, subjects that are compared in turns in
short rounds, default settings, every wall of the host. What is missed, and why:
[remaining.md](remaining.md); where the time of a call goes: [profile.md](profile.md)."""
PICTURE = "![How long a call takes beside others, and how that grows](calls.svg)"


def page(found: Found, seconds: float) -> str:
    """
    All of it, in Markdown.
    """
    lines = [
        TITLE,
        *_section("Aims", [summary(found.rows)]),
        *_section("Plot", [PICTURE]),
        *_section("Ratios and rates", _table(("", ""), found.facts)),
        *(line for each in found.growths for line in _growth(each)),
        *_section("Numbers", _table(_HEADS, _numbers(found))),
        *_section("Left out", _left_out(found)),
        *_section("Machine", [f"* {line}" for line in (*machine(), *_software(seconds))]),
    ]
    return "\n".join(lines) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """
    Every aim, measured beside it, between marks: README shows the same text.
    """
    heads = ("what", "measured", "aim", "")
    lines = [(row.what, _measured(row), _aim(row), _verdict(row)) for row in rows]
    met = sum(row.verdict is Verdict.MET for row in rows)
    return "\n".join([BEGIN, f"{met} of {len(rows)} aims are met.", "", *_table(heads, lines), END])


def marked(text: str) -> str:
    """
    What stands between the marks of a text, with them.  Empty: it has none.
    """
    begins, ends = text.find(BEGIN), text.find(END)
    return text[begins : ends + len(END)] if 0 <= begins < ends else ""


def _measured(row: Row) -> str:
    value = f"{_number(row.measured)}{row.unit}"
    return f"{value} ({row.detail})" if row.detail else value


def _aim(row: Row) -> str:
    return f"{'≥' if row.at_least else '≤'} {row.aim:g}{row.unit}"


def _verdict(row: Row) -> str:
    told = row.verdict.value
    return f"{told}: {row.broken}" if row.broken else told


_HEADS = ("", "in flight", "p50 ms", "p99 ms", "calls/s", "calls", "refused", "failed")


def _numbers(found: Found) -> Iterator[tuple[str, ...]]:
    for each in found.numbers:
        measured = each.measured
        latencies = (f"{measured.quantile(share):.3f}" for share in (0.5, 0.99))
        of_calls = (len(measured.seconds), measured.refused, len(measured.failures))
        counts = map(str, of_calls)
        yield (each.what, str(each.in_flight), *latencies, f"{measured.rate:.0f}", *counts)


def _growth(growth: Growth) -> Iterator[str]:
    across = [f"{at:,.0f}" for at, _ in growth.curves[0].points]
    lines = [
        (f"{curve.name}, {growth.along}", *(_number(value) for _, value in curve.points))
        for curve in growth.curves
    ]
    yield from _section(f"How it grows: {growth.title.lower()}", _table(("", *across), lines))


def _left_out(found: Found) -> list[str]:
    return [f"* {name}: {why}" for name, why in found.left_out] or ["Nothing."]


def _software(seconds: float) -> Iterator[str]:
    yield ", ".join(f"{name} {version(name)}" for name in ("grpcio", "protobuf", "toolcell"))
    yield f"about {seconds:.0f} s of measuring"


def _number(value: float) -> str:
    if math.isnan(value):
        return "not measured"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from lines


def _table(
    heads: Sequence[str], lines: Sequence[Sequence[str]] | Iterator[Sequence[str]]
) -> Iterator[str]:
    yield _line(heads)
    yield _line(["---"] * len(heads))
    yield from map(_line, lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
