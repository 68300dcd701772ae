"""
Slots decide which user a cell is: two cells with one slot are one user.
"""

from __future__ import annotations

import random

from toolcell_server.slots import RESTING, Slots


def test_no_two_hold_the_same_slot_at_one_time() -> None:
    """
    Cells with one id could signal and trace each other.
    """
    slots, held, chosen = Slots(), set[int](), random.Random(7)
    for _ in range(5000):
        if held and chosen.random() < 0.5:
            slot = chosen.choice(sorted(held))
            held.remove(slot)
            slots.give_back(slot)
        else:
            slot = slots.take()
            assert slot not in held
            held.add(slot)


def test_a_slot_rests_before_it_is_given_again() -> None:
    """
    What a call left behind, if anything, must not be the next call's own.
    """
    slots = Slots()
    for _ in range(5 * RESTING):
        last = slots.take()
        slots.give_back(last)
        following = [slots.take() for _ in range(RESTING)]
        for slot in following:
            slots.give_back(slot)

        assert last not in following


def test_few_slots_are_ever_used() -> None:
    """
    Each identity that was ever used costs the keeper a namespace.
    """
    slots, used = Slots(), set[int]()
    for _ in range(1000):
        held = [slots.take() for _ in range(4)]
        used.update(held)
        for slot in held:
            slots.give_back(slot)

    assert len(used) <= 4 + RESTING
