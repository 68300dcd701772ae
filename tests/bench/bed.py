"""
What every measurement needs, and what it comes back with.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.quantities import Measured, median_ratio, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.generating import Generating
    from bench.plan import Plan
    from bench.quantities import Growth, Row

MEBIBYTE = 2**20
# Between rounds the pool of warm cells is refilled; what one round used up is no next one's cost.
PAUSE_SECONDS = 0.05

# Between two calls at low load.  Warm is what has become warm again: who makes no pause waits for
# cells to be made, and is measured as one call in flight.
LOW_LOAD_PAUSE_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Bed:
    """
    The load generator, a folder for servers' files, and how long things may take.
    """

    plan: Plan
    load: Generating
    folder: Path


@dataclass(frozen=True, slots=True)
class Number:
    """
    A line of the table of numbers.  `latencies` are in milliseconds.
    """

    what: str
    in_flight: int
    measured: Measured


@dataclass(slots=True)
class Found:
    """
    What the measurements so far have found.  `left_out` says which peer, and why.
    """

    rows: list[Row] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    bars: list[tuple[str, float]] = field(default_factory=list)  # of the plot: name, p50 in ms
    growths: list[Growth] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def bar(self, what: str, rounds: Sequence[Measured]) -> None:
        """
        Note a subject that takes one call at a time, for the plot, too.
        """
        self.bars.append((what, self.number(what, 1, rounds).quantile(0.5)))

    def number(self, what: str, in_flight: int, rounds: Sequence[Measured]) -> Measured:
        """
        Note all rounds of a subject as one number.
        """
        measured = together(rounds)
        self.numbers.append(Number(what, in_flight, measured))
        return measured


Rounds = dict[str, list[Measured]]


def in_turns(
    subjects: Mapping[str, Callable[[float], Measured]], rounds: tuple[int, float]
) -> Rounds:
    """
    Measure each subject once a round, `rounds` being how many of how many seconds.
    """
    count, seconds = rounds
    found: Rounds = {name: [] for name in subjects}
    for _ in range(count):
        for name, measure in subjects.items():
            found[name].append(measure(seconds))
            time.sleep(PAUSE_SECONDS)
    return found


def ratio(rounds: Rounds, ours: str, floor: str, share: float = 0.5) -> float:
    """
    The median, over the rounds, of one subject's quantile divided by another's.
    """
    one, other = ([each.quantile(share) for each in rounds[name]] for name in (ours, floor))
    return median_ratio(one, other)
