"""
The counts of one tool: what is counted, and that nothing that a tool says grows without end.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.statistics.tally import (
    CALLERS,
    ERROR_TYPES,
    LONGEST_MESSAGE,
    OTHER,
    Ending,
    Tally,
)

SECOND = 10**9


def ending(outcome: str = "completed", **fields: object) -> Ending:
    values = {"caller": "alice", "seconds": 0.1, "at": SECOND, **fields}
    return Ending(outcome=outcome, **values)  # type: ignore[arg-type]


def tally(*endings: Ending) -> Tally:
    made = Tally()
    for one in endings:
        made.add(one)
    return made


class TestTally:
    def test_a_tool_that_never_ran_divides_by_nothing(self) -> None:
        empty = Tally()

        assert (0.0, 0.0, 0) == (empty.error_rate, empty.quantile(0.5), empty.measured)

    def test_endings_are_counted_by_how(self) -> None:
        found = tally(ending(), ending(), ending("failed", error="ValueError"))

        assert {"completed": 2, "failed": 1} == found.outcomes
        assert {"ValueError": 1} == found.errors
        assert pytest.approx(1 / 3) == found.error_rate

    def test_who_cancels_says_nothing_of_the_tool(self) -> None:
        found = tally(ending(), ending("cancelled"))

        assert 0.0 == found.error_rate
        assert 2 == found.calls

    @pytest.mark.parametrize("outcome", ["failed", "exceeded_wall", "violated", "lost"])
    def test_every_other_ending_is_an_error(self, outcome: str) -> None:
        assert 1.0 == tally(ending(outcome, error="any")).error_rate

    def test_what_the_cache_answered_is_a_hit_and_was_not_measured(self) -> None:
        found = tally(
            ending(cpu_seconds=2.0, cost=3.0, memory_peak_bytes=10),
            ending(cached=True, seconds=9.0, cpu_seconds=2.0, cost=3.0, memory_peak_bytes=99),
        )

        assert (2, 1, 1) == (found.calls, found.cached, found.measured)
        assert (2.0, 3.0, 10) == (found.cpu_seconds, found.cost, found.memory_peak_bytes)
        assert found.quantile(1.0) < 1

    def test_the_first_and_the_last_call_are_remembered(self) -> None:
        found = tally(ending(at=5 * SECOND), ending(at=9 * SECOND), ending(at=7 * SECOND))

        assert (5 * SECOND, 9 * SECOND) == (found.first_called, found.last_called)

    def test_the_last_error_is_the_last_one(self) -> None:
        found = tally(
            ending("failed", error="A", message="first", at=SECOND),
            ending("failed", error="B", message="second", at=2 * SECOND),
            ending(at=3 * SECOND),
        )

        expected = {"at": 2 * SECOND, "type": "B", "outcome": "failed", "message": "second"}
        assert expected == found.last_error

    def test_a_tool_cannot_fill_it_with_types_of_errors(self) -> None:
        found = tally(*(ending("failed", error=f"E{each}") for each in range(1000)))

        assert ERROR_TYPES + 1 == len(found.errors)
        assert 1000 - ERROR_TYPES == found.errors[OTHER]

    def test_a_tool_cannot_fill_it_with_long_words(self) -> None:
        found = tally(ending("failed", error="E" * 10_000, message="m" * 10_000))

        assert all(len(kind) <= 64 for kind in found.errors)
        assert LONGEST_MESSAGE == len(found.last_error["message"])

    def test_callers_are_counted_once_each(self) -> None:
        made = Tally()
        met = [made.add(ending(caller=name)) is not None for name in ("alice", "bob", "alice")]

        assert [True, True, False] == met
        assert 2 == len(made.callers)

    def test_more_callers_than_are_counted_take_no_more_room(self) -> None:
        made = Tally(callers={number.to_bytes(8, "big") for number in range(CALLERS)})

        assert made.add(ending(caller="one more")) is None
        assert CALLERS == len(made.callers)

    @given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300), st.floats(0, 1))
    def test_quantiles_are_off_by_at_most_one_percent(
        self, durations: list[float], part: float
    ) -> None:
        found = tally(*(ending(seconds=each) for each in durations))
        exact = sorted(durations)[int(part * (len(durations) - 1))]

        assert pytest.approx(exact, rel=0.011) == found.quantile(part)

    def test_what_is_dumped_is_restored(self) -> None:
        chance = random.Random(7)
        found = tally(
            *(ending(seconds=chance.expovariate(10), cost=0.5) for _ in range(500)),
            ending("failed", error="ValueError", message="é"),
        )
        again = Tally.restored(*found.dumped())

        assert found.dumped()[0] == again.dumped()[0]
        for part in (0, 0.5, 0.99, 1):
            assert pytest.approx(found.quantile(part)) == again.quantile(part)
        again.add(ending(seconds=100.0))
        assert again.quantile(1.0) > 90

    @pytest.mark.parametrize(
        ("counts", "durations"),
        [
            ("", b""),
            ("[]", b""),
            ('{"calls": 1, "callers": []}', b""),
            ('{"unknown": 1}', b""),
            ('{"calls": 1}', b"\xff\xff"),
        ],
    )
    def test_what_was_not_dumped_is_refused(self, counts: str, durations: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
            Tally.restored(counts, durations)
