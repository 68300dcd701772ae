"""
How many cells are kept warm.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.demand import FEWEST, IDLE_SECONDS, MOST, SPARE, Demand

NOW = 1000.0


def called(rate: float, seconds: float, making: float = 0.01) -> Demand:
    """
    So many calls a second, for so long, until NOW.
    """
    demand = Demand(making=making)
    count = int(rate * seconds)
    for number in range(count):
        demand.call(NOW - (count - 1 - number) / rate)
    return demand


def test_nobody_is_kept_warm_before_somebody_has_called() -> None:
    assert 0 == Demand().wanted(NOW)


def test_one_call_is_followed_by_one_cell_for_a_while_and_then_by_none() -> None:
    """
    The memory of a cell that nobody calls is worth more.
    """
    demand = called(1, 1)

    assert FEWEST == demand.wanted(NOW)
    assert FEWEST == demand.wanted(NOW + IDLE_SECONDS)
    assert 0 == demand.wanted(NOW + IDLE_SECONDS + 0.1)


@pytest.mark.parametrize("rate", [1, 10, 90])
def test_calls_that_come_evenly_need_few(rate: int) -> None:
    """
    Each is replaced before the next comes.
    """
    assert FEWEST == called(rate, 30).wanted(NOW)


@pytest.mark.parametrize("count", [3, 6, 12])
def test_a_burst_needs_one_for_each_of_its_calls(count: int) -> None:
    """
    However long the host is quiet between two of them.
    """
    demand = Demand(making=0.01)
    for burst in range(3):
        for number in range(count):
            demand.call(NOW - 2 + burst + number / 10_000)

    assert count <= demand.wanted(NOW) <= count + SPARE


def test_there_is_a_most_however_many_call_and_however_slow_it_is() -> None:
    assert MOST == called(100_000, 1).wanted(NOW)
    assert MOST == called(100, 10, making=1000.0).wanted(NOW)


def test_what_was_called_for_long_ago_is_forgotten_bit_by_bit() -> None:
    demand = called(500, 30)
    wanted = [demand.wanted(NOW + seconds) for seconds in range(int(IDLE_SECONDS) + 2)]

    assert all(later <= earlier for earlier, later in pairwise(wanted))
    assert wanted[0] > FEWEST
    assert FEWEST in wanted
    assert 0 == wanted[-1]


def test_a_cell_that_was_slow_to_make_counts_as_one_of_several() -> None:
    """
    One pause of the host is not how long it takes.
    """
    demand = Demand()
    before = demand.making
    demand.made(before + 0.8)

    assert before < demand.making < before + 0.2
    for _ in range(100):
        demand.made(0.5)
    assert pytest.approx(0.5, rel=0.01) == demand.making


@given(
    st.lists(st.floats(0, 1e6), max_size=50),
    st.floats(0, 1e6),
    st.floats(0, 1e3),
)
def test_it_is_never_out_of_its_bounds(calls: list[float], after: float, making: float) -> None:
    demand = Demand(making=making)
    for now in sorted(calls):
        demand.call(now)
    wanted = demand.wanted(max(calls, default=0.0) + after)

    assert wanted == 0 or FEWEST <= wanted <= MOST
