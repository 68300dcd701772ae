"""
Whose turn is next, and who may wait.
"""

from __future__ import annotations

import random

from toolcell_server.shares import Shares


def served(shares: Shares, turns: int) -> list[str]:
    """
    Let so many begin, one after the other, each of which ends before the next begins.
    """
    order = []
    for _ in range(turns):
        if not shares.waiting:
            break
        execution_id = shares.next()
        shares.start(execution_id)
        shares.leave(execution_id)
        order.append(execution_id)
    return order


def test_a_flood_and_a_single_call_take_turns() -> None:
    """
    First come, first served would let the flood pass by as a whole.
    """
    shares = Shares(queue=100)
    for number in range(5):
        shares.wait("flood", f"flood-{number}")
    for number in range(2):
        shares.wait("quiet", f"quiet-{number}")

    assert served(shares, 5) == ["flood-0", "quiet-0", "flood-1", "quiet-1", "flood-2"]


def test_what_becomes_free_goes_to_who_runs_fewest() -> None:
    """
    A flood of long calls has all places when others come.
    """
    shares = Shares(queue=100)
    for number in range(4):
        shares.run("flood", f"running-{number}")
        shares.wait("flood", f"flood-{number}")
    for number in range(3):
        shares.wait("quiet", f"quiet-{number}")

    order = []
    for number in range(4):
        shares.leave(f"running-{number}")
        following = shares.next()
        shares.start(following)
        order.append(following)

    assert order == ["quiet-0", "quiet-1", "flood-0", "flood-1"]


def test_who_is_alone_has_everything() -> None:
    """
    A place that is kept free for nobody serves nobody.
    """
    shares = Shares(queue=100)
    for number in range(9):
        shares.wait("alone", str(number))

    assert served(shares, 20) == [str(number) for number in range(9)]


def test_a_flood_leaves_room_in_the_queue_for_every_other_share() -> None:
    """
    Nobody who was accepted can be displaced; so there must be room when another comes.
    """
    shares = Shares(queue=64)
    filled = {}
    for name in ("first", "second", "third"):
        count = 0
        while shares.has_room(name):
            shares.wait(name, f"{name}-{count}")
            count += 1
        filled[name] = count

    assert filled["first"] == 52
    assert filled["second"] == 10
    assert filled["third"] >= 1
    assert shares.waiting <= 64


def test_at_most_so_many_turns_come_before_a_call_of_its_share() -> None:
    """
    A flood does not make others believe that they had to wait for all of it.
    """
    shares = Shares(queue=100)
    for number in range(40):
        shares.wait("flood", f"flood-{number}")

    assert (shares.ahead("flood"), shares.ahead("quiet")) == (40, 1)
    shares.wait("quiet", "quiet-0")
    assert (shares.ahead("flood"), shares.ahead("quiet")) == (41, 3)


def test_random_comings_and_goings_are_counted_right() -> None:
    """
    Whoever is miscounted is starved for ever; the seed is fixed.
    """
    chance = random.Random(5)
    shares = Shares(queue=50)
    waiting: dict[str, str] = {}
    running: dict[str, str] = {}
    for number in range(5000):
        name, execution_id = f"share-{chance.randrange(6)}", str(number)
        match chance.randrange(4):
            case 0 if shares.has_room(name):
                shares.wait(name, execution_id)
                waiting[execution_id] = name
            case 1 if len(running) < 20:
                shares.run(name, execution_id)
                running[execution_id] = name
            case 2 if waiting:
                following = shares.next()
                fewest = min(_running_of(running, each) for each in waiting.values())
                assert fewest == _running_of(running, waiting[following])
                shares.start(following)
                running[following] = waiting.pop(following)
            case 3 if waiting or running:
                leaving = chance.choice([*waiting, *running])
                assert (leaving in waiting) == shares.waits(leaving)
                shares.leave(leaving)
                waiting.pop(leaving, running.pop(leaving, None))
        assert (shares.waiting, shares.running) == (len(waiting), len(running))
        assert shares.shares_waiting == len(set(waiting.values()))
    for leaving in [*waiting, *running]:
        shares.leave(leaving)

    assert (shares.waiting, shares.running) == (0, 0)
    assert shares._shares == {}


def _running_of(running: dict[str, str], name: str) -> int:
    return sum(each == name for each in running.values())
