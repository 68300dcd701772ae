"""
A table of which system call, when it fails, ends a cell for which wall.
"""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

from faults.made import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faults.made import Made
    from faults.set_up import Foundry

EVERY = 0  # as the number of a fault: whichever call of that name it is


def faults_of(made: Made, error: int, *, every: bool = False) -> list[Fault]:
    """
    Each call of a set-up that went well, failing alone; or `every` call of a name at once.
    """
    counted = sorted(Counter(made.calls).items())
    return [
        Fault(role, name, number, error)
        for (role, name), times in counted
        for number in ([EVERY] if every else range(1, times + 1))
    ]


def outcomes(foundry: Foundry, faults: Iterable[Fault], life: str) -> list[tuple[Fault, Made]]:
    """
    What became of a cell of this life for each fault.
    """
    return [(fault, foundry.make(fault, life=life)) for fault in faults]


def lines(found: Iterable[tuple[Fault, Made]]) -> list[str]:
    """
    One line for each role, call and error: how often each outcome was seen.
    """
    rows: dict[tuple[str, str, int], Counter[str]] = {}
    for fault, made in found:
        rows.setdefault((fault.role, fault.name, fault.error), Counter())[made.ending] += 1
    return [
        f"{role:5} {name:24} {errno.errorcode[error]:7}"
        + ", ".join(f"{ending} ({times})" for ending, times in sorted(endings.items()))
        for (role, name, error), endings in sorted(rows.items())
    ]
