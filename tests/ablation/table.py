"""
The table of the ablation, as Markdown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablation.columns import COLUMNS, WALLS, tries
from ablation.reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ablation.running import Line
    from toolcell_server.battery.attack import Attack

    Found = Mapping[str, Mapping[str, Line]]

EXPLAINED = ("F", "P", "I")  # files, processes, information: never on one wall without a reason
INTRODUCTION = """\
# Ablation: which walls stop which attack

Written by `make ablation`; what a column means is said in `tests/ablation/README.md`.

"Rests on": with this wall off and all others up, the attack does harm.  "Holds alone": with every
other wall off, this one still stops it.  "the service": it is stopped with no wall at all, by what
the server itself checks.
"""


def text(attacks: Sequence[Attack], found: Found) -> str:
    """
    The whole page.
    """
    parts = [INTRODUCTION, _totals(attacks, found), "## Attacks\n", *_rows(attacks, found)]
    parts += ["", "## Rests on one wall alone\n", *_alone(attacks, found)]
    return "\n".join(parts) + "\n"


def complete(attacks: Sequence[Attack], found: Found) -> bool:
    """
    Whether every attack was run wherever it is tried.
    """
    return all(
        attack.function in found[column]
        for column in COLUMNS
        for attack in attacks
        if tries(column, attack.id)
    )


def needed(attack: Attack, found: Found) -> list[str]:
    """
    The walls without any one of which the attack does harm; none if it does harm behind them all.
    """
    if not _held(attack, found, "all"):
        return []
    return [wall for wall in WALLS if _verdict(attack, found, f"without {wall}") == "breached"]


def sufficient(attack: Attack, found: Found) -> list[str]:
    """
    The walls that stop the attack each by itself.
    """
    if _held(attack, found, "none"):
        return ["the service"]
    return [wall for wall in WALLS if _held(attack, found, f"{wall} alone")]


def unexplained(attacks: Sequence[Attack], found: Found) -> list[str]:
    """
    Attacks on files, processes and information that rest on one wall without a reason.
    """
    return [
        f"{wall}: {attack.id} {attack.name}"
        for attack in attacks
        for wall in needed(attack, found)
        if attack.id.startswith(EXPLAINED) and (wall, attack.name) not in REASONS
    ]


def _totals(attacks: Sequence[Attack], found: Found) -> str:
    lines = ["| Wall | attacks that rest on it | attacks that it stops alone |", "|---|---|---|"]
    for wall in WALLS:
        resting = sum(wall in needed(attack, found) for attack in attacks)
        stopped = sum(wall in sufficient(attack, found) for attack in attacks)
        lines.append(f"| {wall} | {resting} | {stopped} |")
    return "\n".join(lines) + "\n"


def _rows(attacks: Sequence[Attack], found: Found) -> list[str]:
    rows = ["| Id | Attack | all walls | rests on | holds alone |", "|---|---|---|---|---|"]
    for attack in attacks:
        verdict = _verdict(attack, found, "all")
        walls = (", ".join(needed(attack, found)), ", ".join(sufficient(attack, found)))
        rows.append(f"| {attack.id} | {attack.name} | {verdict} | {walls[0]} | {walls[1]} |")
    return rows


def _alone(attacks: Sequence[Attack], found: Found) -> list[str]:
    lines = []
    for wall in WALLS:
        resting = [attack for attack in attacks if wall in needed(attack, found)]
        if resting:
            lines.append(f"### {wall}\n")
            lines += [_reason(wall, attack) for attack in resting]
            lines.append("")
    return lines


def _reason(wall: str, attack: Attack) -> str:
    why = REASONS.get((wall, attack.name), "")
    return f"- {attack.id} `{attack.name}`: {attack.promise}" + (f". {why}" if why else "")


def _held(attack: Attack, found: Found, column: str) -> bool:
    return _verdict(attack, found, column).startswith("held")


def _verdict(attack: Attack, found: Found, column: str) -> str:
    line = found.get(column, {}).get(attack.function)
    return str(line["verdict"]) if line else "not run"
