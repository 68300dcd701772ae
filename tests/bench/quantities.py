"""
What a benchmark makes of its measurements.  Pure: no input, no output.

Theory of operation.  Noise of a shared machine comes in stretches.  Two subjects that are compared
are therefore measured in turns, in short rounds, and the ratio is taken within each round: a slow
stretch hits both.  What is told is the median of the rounds' ratios.
"""

from __future__ import annotations

import enum
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BADLY = 1.5  # a row that misses its aim by more is told apart


def quantile(values: Sequence[float], share: float) -> float:
    """
    The value that this share of them stays below.  NaN: there are none.
    """
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Measured:
    """
    One subject with so many calls in flight.
    """

    seconds: Sequence[float]  # latency of each call
    elapsed: float
    failures: Sequence[str]
    refused: int = 0  # for want of capacity: no failure, and no call

    def quantile(self, share: float) -> float:
        """
        The latency, in milliseconds, that this share of the calls stays below.  NaN: no call.
        """
        return quantile(self.seconds, share) * 1000

    @property
    def rate(self) -> float:
        """
        Calls a second.
        """
        return len(self.seconds) / self.elapsed


def together(rounds: Sequence[Measured]) -> Measured:
    """
    All rounds of one subject as one measurement.
    """
    return Measured(
        [each for measured in rounds for each in measured.seconds],
        sum(measured.elapsed for measured in rounds),
        [each for measured in rounds for each in measured.failures],
        sum(measured.refused for measured in rounds),
    )


def median_ratio(ours: Sequence[float], floors: Sequence[float]) -> float:
    """
    The median of the ratios round by round; a round in which either has no value is left out.
    """
    pairs = zip(ours, floors, strict=True)
    ratios = [one / other for one, other in pairs if other and not math.isnan(one / other)]
    return statistics.median(ratios) if ratios else math.nan


class Verdict(enum.Enum):
    """
    How a row compares with its aim.
    """

    MET = "met"
    MISSED = "MISSED"
    MISSED_BADLY = "MISSED by more than 1.5x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One aim.  `measured` is in the aim's own unit; `detail` says what it was made of.  A row with
    `broken`, a condition that was not kept, is missed whatever the number is.
    """

    what: str
    measured: float
    aim: float
    at_least: bool = False
    unit: str = ""
    detail: str = ""
    broken: str = ""

    @property
    def verdict(self) -> Verdict:
        """
        A number that could not be measured misses badly: nothing is known of it.
        """
        if math.isnan(self.measured):
            return Verdict.MISSED_BADLY
        if self._meets(1.0):
            return Verdict.MISSED if self.broken else Verdict.MET
        return Verdict.MISSED if self._meets(BADLY) else Verdict.MISSED_BADLY

    def _meets(self, slack: float) -> bool:
        if self.at_least:
            return self.measured >= self.aim / slack
        return self.measured <= self.aim * slack


@dataclass(frozen=True, slots=True)
class Curve:
    """
    How something grows: points of (how much, what was measured), and what both are.
    """

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Growth:
    """
    Curves that belong in one picture.
    """

    title: str
    across: str
    along: str
    curves: Sequence[Curve]
