"""
How many calls are under way at once.
"""

from __future__ import annotations

from clocks import Clock
from counting import rule, use
from toolcell_server.rates.places import GUESSED_SECONDS, LONGEST_SECONDS, SHORTEST_SECONDS, Places

[BOUND] = rule(concurrency=2).bounds


def wait(places: Places) -> float:
    [standing] = places.look([use(BOUND)])
    return standing.seconds


def test_a_full_bound_names_a_delay_by_how_long_places_were_held() -> None:
    """
    A guess first; then the average of what was seen, within reason.
    """
    clock = Clock()
    places = Places(clock)
    assert wait(places) == 0

    def hold(seconds: float) -> float:
        first, second = places.take([use(BOUND)]), places.take([use(BOUND)])
        full = wait(places)
        clock.now += seconds
        first()
        second()
        return full

    guesses = [hold(4.0), hold(4.0), hold(0.0)]
    assert [GUESSED_SECONDS / 2, 2.0, 2.0] == guesses
    for _ in range(40):
        hold(0.0)
    assert hold(1000.0) == SHORTEST_SECONDS
    assert hold(0.0) == LONGEST_SECONDS


def test_keys_that_are_not_in_use_are_not_kept() -> None:
    """
    However many callers come by.
    """
    places = Places(Clock())
    for number in range(100):
        places.take([use(BOUND, f"principal:{number}")])()

    assert places._taken == {}
    assert len(places._held) == 1
