"""
Counts in memory: all or none, bounded, without threads.
"""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from clocks import Clock
from counting import rule, use
from toolcell_server.rates.memory import MemoryWindows

if TYPE_CHECKING:
    from limits.storage import MovingWindowSupport
    from toolcell_server.rates.windows import Use

PRINCIPALS = 10_000
MEBIBYTE = 2**20
SHORT, LONG = rule("2/second", "3/minute").bounds
BUDGET = rule(cpu_seconds_per_day=1.0).bounds[0]


def taken(windows: MemoryWindows, *uses: Use, only_look: bool = False) -> list[float]:
    """
    How long each use has to wait; 0.0: it was taken.
    """
    _, standings = asyncio.run(windows.take(uses, only_look=only_look))
    return [standing.seconds for standing in standings]


def test_a_call_that_one_window_refuses_costs_the_others_nothing() -> None:
    """
    Or whoever is over his quota of the day would lose that of the second, too.
    """
    clock = Clock()
    windows = MemoryWindows(clock)
    uses = use(LONG), use(SHORT)
    assert [[0, 0], [0, 0]] == [taken(windows, *uses), taken(windows, *uses)]

    assert [0, 1] == taken(windows, *uses)
    clock.now += 1
    assert [0, 0] == taken(windows, *uses)  # the third of the minute: the refused one cost nothing
    assert [59, 0] == taken(windows, *uses)


def test_a_look_takes_nothing() -> None:
    """
    It is what `validate_only` does.
    """
    windows = MemoryWindows(Clock())
    looks = [taken(windows, use(SHORT), only_look=True) for _ in range(9)]

    assert [[0]] * 9 == looks
    assert len(windows) == 0


def test_keys_do_not_meet() -> None:
    """
    What one principal has used is no matter of another's.
    """
    windows = MemoryWindows(Clock())
    for _ in range(2):
        taken(windows, use(SHORT))

    assert [1, 0] == [taken(windows, use(SHORT))[0], taken(windows, use(SHORT, "principal:bob"))[0]]


def test_a_budget_is_looked_at_and_charged_later() -> None:
    """
    It may be overdrawn, and is then there again when the day is over.
    """
    clock = Clock()
    windows = MemoryWindows(clock)
    assert [[0], [0]] == [taken(windows, use(BUDGET)), taken(windows, use(BUDGET))]
    windows.charge(use(BUDGET), 5_000_000)

    assert [86400] == taken(windows, use(BUDGET))
    clock.now += 86400
    assert [0] == taken(windows, use(BUDGET))


def test_a_charge_of_nothing_makes_no_key() -> None:
    """
    Most calls do not use the network.
    """
    windows = MemoryWindows(Clock())
    windows.charge(use(BUDGET), 0)

    assert len(windows) == 0


def test_what_was_given_back_can_be_taken_again() -> None:
    """
    Of each window that it was taken from.
    """
    windows = MemoryWindows(Clock())
    uses = use(SHORT), use(LONG), use(BUDGET)
    at, _ = asyncio.run(windows.take(uses))
    asyncio.run(windows.take(uses))
    windows.give_back(uses, at)

    assert [0, 0, 0] == taken(windows, *uses)
    assert taken(windows, *uses) != [0, 0, 0]


def test_ten_thousand_principals_cost_less_than_20_megabytes() -> None:
    """
    With two windows each, one of them full of entries.
    """
    clock = Clock()
    bounds = rule("1000/minute", "1000/day").bounds
    everybody = [[use(bound, f"principal:{n}") for bound in bounds] for n in range(PRINCIPALS)]
    tracemalloc.start()
    windows = MemoryWindows(clock)

    async def all_call() -> None:
        for _ in range(3):
            clock.now += 1
            for uses in everybody:
                await windows.take(uses)

    asyncio.run(all_call())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(windows) == 2 * PRINCIPALS
    assert size < 20 * 10**6


def test_principals_who_have_gone_are_forgotten_while_others_call() -> None:
    """
    Two at each call, so that no call pays for all of them.
    """
    clock = Clock()
    windows = MemoryWindows(clock)
    for n in range(100):
        taken(windows, use(SHORT, f"principal:{n}"))
    clock.now += 1
    for _ in range(60):
        taken(windows, use(LONG, "principal:who stays"))

    assert len(windows) == 1


def test_beyond_a_number_of_keys_new_callers_share_one_and_the_others_keep_theirs() -> None:
    """
    Whoever can invent callers cannot grow the server, nor get more than one of them would.
    """
    windows = MemoryWindows(Clock(), most_keys=2)
    for known in ("principal:a", "principal:b"):
        assert taken(windows, use(SHORT, known)) == [0]
    invented = [taken(windows, use(SHORT, f"peer:{n}"))[0] for n in range(9)]

    assert [0, 0, *[1] * 7] == invented
    assert taken(windows, use(SHORT, "principal:a")) == [0]
    assert len(windows) == 3


def test_it_is_a_storage_as_the_library_has_them_and_starts_no_thread() -> None:
    """
    The library's own starts one whenever none is running.
    """
    clock, before = Clock(), threading.active_count()
    storage: MovingWindowSupport = MemoryWindows(clock)
    first = storage.acquire_entry("k", 3, 60, 2)
    clock.now += 1

    assert first
    assert not storage.acquire_entry("k", 3, 60, 2)
    assert storage.acquire_entry("k", 3, 60)
    assert storage.get_moving_window("k", 3, 60) == (clock.now - 1, 3)
    assert storage.get_moving_window("other", 3, 60) == (clock.now, 0)
    assert threading.active_count() == before


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_calls_at_the_same_time_never_take_more_than_there_is(limit: int) -> None:
    """
    Looking and taking is one step, whoever else is between his two.
    """
    windows = MemoryWindows(Clock())
    [bound] = rule(f"{limit}/minute").bounds

    async def scenario() -> int:
        answers = await asyncio.gather(*(windows.take([use(bound)]) for _ in range(150)))
        return sum(standing.seconds == 0 for _, [standing] in answers)

    assert limit == asyncio.run(scenario())
