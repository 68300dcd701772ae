"""
A moving window: never one too many, and exact where that is cheap.
"""

from __future__ import annotations

import pytest
from counting import NOW
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.rates.window import ENTRIES, MovingWindow

# Steps of a clock and what is done after each; eighths are exact in binary.
_STEPS = st.lists(
    st.tuples(st.integers(0, 100).map(lambda n: n / 8), st.sampled_from(["take", "return"])),
    max_size=200,
)


@given(_STEPS, st.integers(1, 80), st.sampled_from([1, 10, 60]))
def test_there_are_never_more_than_the_limit_in_any_window(
    steps: list[tuple[float, str]], limit: int, seconds: int
) -> None:
    """
    Wherever the window begins, whatever was given back in between.
    """
    window, now, kept = MovingWindow(seconds), NOW, list[float]()
    for step, action in steps:
        now += step
        if action == "return" and kept:
            window.give_back(kept.pop(), now)
        elif window.used(now) < limit:
            window.add(now, 1)
            kept.append(now)

    for begin in kept:
        assert sum(begin <= at < begin + seconds for at in kept) <= limit
    assert window.used(now) >= sum(now < at + seconds for at in kept)


@given(st.lists(st.integers(0, 3), min_size=60, max_size=300), st.integers(33, 200))
def test_of_more_than_32_calls_none_is_forgotten_too_early_nor_a_32nd_too_late(
    steps: list[int], limit: int
) -> None:
    """
    What shares an entry counts until the last of it is old enough.
    """
    window, now, kept = MovingWindow(32), NOW, list[float]()
    for step in steps:
        now += step / 8
        used = window.used(now)
        assert used >= sum(now < at + 32 for at in kept)
        assert used <= sum(now < at + 33 for at in kept)
        if used < limit:
            window.add(now, 1)
            kept.append(now)


@given(_STEPS, st.integers(1, ENTRIES))
def test_up_to_32_calls_are_counted_exactly(steps: list[tuple[float, str]], limit: int) -> None:
    """
    A call is refused only if the window really is full.
    """
    window, now, kept = MovingWindow(60), NOW, list[float]()
    for step, _ in steps:
        now += step
        full = sum(now < at + 60 for at in kept) >= limit
        assert full == (window.used(now) >= limit)
        assert full == (window.seconds_until(now, limit) > 0)
        if not full:
            window.add(now, 1)
            kept.append(now)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), min_size=1, max_size=300))
def test_when_there_will_be_room_is_exact(added: list[tuple[float, int]]) -> None:
    """
    Then there is room, and a moment before there is none.
    """
    window, now, limit = MovingWindow(3600), NOW, 100
    for step, amount in added:
        now += step
        window.add(now, amount)
    seconds = window.seconds_until(now, limit)
    copy = MovingWindow.restored(3600, window.dumped(), now)

    assert (seconds == 0) == (window.used(now) < limit)
    if seconds > 0:
        assert copy.used(now + seconds - 0.001) >= limit
        assert window.used(now + seconds + 0.001) < limit


@given(st.lists(st.floats(0, 3000), max_size=2000))
def test_a_window_never_has_more_than_65_entries(steps: list[float]) -> None:
    """
    Memory is bounded by the window, not by what a caller does.
    """
    window, now = MovingWindow(3600), NOW
    for step in steps:
        now += step
        window.add(now, 1)

    assert len(window.dumped()) <= (2 * ENTRIES + 1) * 16


def test_an_entry_counts_until_it_is_as_old_as_the_window() -> None:
    """
    The moment itself no longer belongs to it.
    """
    window = MovingWindow(10)
    window.add(NOW, 3)

    assert [3, 0] == [window.used(NOW + 9.999), window.used(NOW + 10)]


def test_what_no_longer_counts_cannot_be_given_back() -> None:
    """
    Or a long run would give back the place of another.
    """
    window = MovingWindow(10)
    window.add(NOW, 1)
    window.add(NOW + 9, 1)
    window.give_back(NOW, NOW + 11)

    assert window.used(NOW + 11) == 1


def test_a_clock_that_was_set_back_does_not_lock_anybody_out_for_longer() -> None:
    """
    What lies in the future when it is restored counts from now on, for one window.
    """
    window = MovingWindow(3600)
    window.add(NOW + 10**6, 5)
    restored = MovingWindow.restored(3600, window.dumped(), NOW)

    assert [5, 0] == [restored.used(NOW), restored.used(NOW + 3600)]


@pytest.mark.parametrize("data", [b"abc", b"\0" * 8, b"\0" * 12, b"\0" * 8 + b"\xff" * 8])
def test_what_is_no_window_is_not_restored(data: bytes) -> None:
    """
    Not a number is no amount.
    """
    with pytest.raises(ValueError, match=r"entry|multiple|NaN|integer"):
        MovingWindow.restored(60, data, NOW)
