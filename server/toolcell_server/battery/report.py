"""
What a battery says: one line an attack, then totals; or one JSON object.  Pure.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.battery.verdict import BREACHED, HELD, KNOWN, REFUSED, VOID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from toolcell_server.battery.verdict import Verdict

WORDS = (HELD, BREACHED, KNOWN, REFUSED, VOID)
SHOWN = 3  # as many sentences of harm as a line has below it


def as_json(isolation: pb.IsolationReport, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """
    The whole report.
    """
    return {
        "level": _level(isolation),
        "walls": [_wall(report) for report in isolation.walls],
        "attacks": [_attack(verdict) for verdict in verdicts],
        **totals(verdicts),
    }


def line(verdict: Verdict) -> str:
    """
    One attack, with what is wrong below it.
    """
    attack = verdict.attack
    said = f"{verdict.verdict:<9} {attack.id:<4} {attack.name:<52} {verdict.outcome}".rstrip()
    return "\n".join([said, *(f"{'':<15}{harm:.300}" for harm in verdict.harm[:SHOWN])])


def summary(isolation: pb.IsolationReport, verdicts: Sequence[Verdict]) -> str:
    """
    The totals, and how strongly the cells are isolated.
    """
    counted = ", ".join(f"{count} {word}" for word, count in totals(verdicts).items() if count)
    return f"\nisolation: {_level(isolation)}; attacks: {counted or 'none'}"


def totals(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """
    How many attacks had each verdict.
    """
    counted = Counter(verdict.verdict for verdict in verdicts)
    return {word: counted[word] for word in WORDS}


def _attack(verdict: Verdict) -> dict[str, Any]:
    attack = verdict.attack
    return {
        "id": attack.id,
        "name": attack.name,
        "promise": attack.promise,
        "needs_root": attack.needs_root,
        "verdict": verdict.verdict,
        "harm": list(verdict.harm),
        "control": [text[:200] for text in verdict.control[:SHOWN]],
        "outcome": verdict.outcome,
        "denials": list(verdict.denials),
        "usage": verdict.usage,
        "seconds": round(verdict.seconds, 3),
    }


def _wall(report: pb.WallReport) -> dict[str, Any]:
    return dict(_words(report))


def _words(report: pb.WallReport) -> Iterator[tuple[str, str]]:
    yield "wall", pb.Wall.Name(report.wall).removeprefix("WALL_").lower()
    yield "status", pb.WallStatus.Name(report.status).removeprefix("WALL_STATUS_").lower()
    yield "reason", report.reason
    yield "remedy", report.remedy


def _level(isolation: pb.IsolationReport) -> str:
    return pb.IsolationLevel.Name(isolation.level).removeprefix("ISOLATION_LEVEL_").lower()
