"""
A benchmark is as honest as its arithmetic.
"""

from __future__ import annotations

import math

import pytest

from bench.plan import FULL_SECONDS, SHORTEST, Plan
from bench.quantities import Measured, Row, Verdict, median_ratio, quantile, together


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)]
)
def test_a_quantile_is_one_of_the_values(share: float, expected: float) -> None:
    assert quantile([float(each) for each in range(100, 0, -1)], share) == expected


def test_nothing_has_no_quantile() -> None:
    assert math.isnan(quantile([], 0.5))


def test_a_slow_stretch_hits_both_and_changes_no_ratio() -> None:
    assert median_ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2.0


def test_a_round_without_a_value_is_left_out() -> None:
    assert median_ratio([2.0, math.nan, 4.0], [1.0, 1.0, 0.0]) == 2.0
    assert math.isnan(median_ratio([math.nan], [1.0]))


def test_rounds_together_keep_every_call() -> None:
    whole = together([Measured([0.1], 1.0, ["one"]), Measured([0.2, 0.3], 1.0, [])])
    assert (whole.seconds, whole.rate, whole.failures) == ([0.1, 0.2, 0.3], 1.5, ["one"])


@pytest.mark.parametrize(
    ("measured", "aim", "at_least", "expected"),
    [
        (2.5, 2.5, False, Verdict.MET),
        (2.6, 2.5, False, Verdict.MISSED),
        (3.75, 2.5, False, Verdict.MISSED),
        (3.8, 2.5, False, Verdict.MISSED_BADLY),
        (0.6, 0.6, True, Verdict.MET),
        (0.5, 0.6, True, Verdict.MISSED),
        (0.39, 0.6, True, Verdict.MISSED_BADLY),
        (math.nan, 0.6, True, Verdict.MISSED_BADLY),
        (math.nan, 2.5, False, Verdict.MISSED_BADLY),
    ],
)
def test_a_row_says_how_it_compares_with_its_aim(
    measured: float, aim: float, at_least: bool, expected: Verdict
) -> None:
    assert Row(what="", measured=measured, aim=aim, at_least=at_least).verdict is expected


def test_a_condition_that_was_not_kept_is_a_miss_whatever_the_number() -> None:
    row = Row(what="", measured=1.0, aim=0.9, at_least=True, broken="calls timed out")
    assert row.verdict is Verdict.MISSED


def test_a_shorter_run_has_fewer_rounds_and_then_shorter_ones() -> None:
    assert Plan().rounds(16, 1.0) == (16, 1.0)
    assert Plan(FULL_SECONDS / 2).rounds(16, 1.0) == (8, 1.0)
    assert Plan(1.0).rounds(16, 1.0) == (3, SHORTEST)
    assert Plan().lasting(60) == 60.0
