"""
Slots decide which user a cell is: two cells with one slot are one user.
"""

from __future__ import annotations

import random

from toolcell_server.slots import Slots


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


def test_the_smallest_free_slot_is_given() -> None:
    """
    Each identity that was ever used costs the keeper a namespace.
    """
    slots = Slots()
    taken = [slots.take() for _ in range(4)]
    slots.give_back(2)
    slots.give_back(0)

    assert [0, 1, 2, 3] == taken
    assert [0, 2, 4] == [slots.take() for _ in range(3)]
