"""
The clock of what outlives the server.
"""

from __future__ import annotations

import time

from toolcell_server.rates.clock import since_boot, steady


def test_it_begins_at_the_wall_clock_and_goes_on_whatever_becomes_of_that() -> None:
    """
    An administrator who sets the clock forward gives nobody a new quota.
    """
    wall, elapsed = [1000.0], [5.0]
    clock = steady(lambda: wall[0], lambda: elapsed[0])
    assert clock() == 1000.0
    wall[0], elapsed[0] = 9999.0, 7.0

    assert clock() == 1002.0


def test_the_real_one_is_about_right() -> None:
    """
    It is what is kept over a restart.
    """
    first = steady()()

    assert abs(first - time.time()) < 60
    assert since_boot() <= since_boot()
