"""
Who must begin before those whose turn it is.
"""

from __future__ import annotations

from toolcell_server.promises import Promises


def test_only_who_cannot_wait_longer_goes_before_others_and_the_earliest_first() -> None:
    """
    Otherwise a tight deadline would buy turns.
    """
    promises = Promises()
    promises.add("late", 30.0)
    promises.add("early", 10.0)

    assert promises.endangered(9.0, 1.0) is None
    assert promises.endangered(9.5, 1.0) == "early"
    promises.remove("early")
    assert promises.endangered(9.5, 1.0) is None
    promises.remove("late")
    assert promises.endangered(1e9, 1.0) is None


def test_many_with_one_deadline_need_a_turn_each() -> None:
    """
    The last of them is late if only the first begins in time.
    """
    promises = Promises()
    for number in range(5):
        promises.add(str(number), 10.0)

    assert promises.endangered(5.0, 1.0) is None
    assert promises.endangered(5.5, 1.0) == "0"
