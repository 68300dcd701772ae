"""
The credit of a host: whoever obeys never meets its end, and what is held is bounded.
"""

from __future__ import annotations

import random

from toolcell_server.hosts.credit import Credit

WINDOW = 1000


def test_a_host_that_obeys_is_never_cut_off() -> None:
    """
    Whatever it sends, however late it hears of credit, and whoever reads.
    """
    chance = random.Random(7)  # no secret
    for _ in range(200):
        credit, of_host = Credit(WINDOW), WINDOW
        held, on_the_way = list[int](), list[int]()
        for _ in range(200):
            what = chance.choice(("send", "take", "hear"))
            if what == "send" and of_host > 0:
                cost = chance.choice((1, 70, 400, 5000))
                of_host -= cost
                assert credit.take(cost)
                held.append(cost)
            elif what == "take" and held:
                if told := credit.give_back(held.pop(0)):
                    on_the_way.append(told)
            elif on_the_way:
                of_host += on_the_way.pop(0)
        for cost in held:  # and it is never stuck: when all is taken, it may send again
            on_the_way.append(credit.give_back(cost))
        assert of_host + sum(on_the_way) > 0


def test_who_sends_on_without_credit_is_found_out() -> None:
    credit = Credit(WINDOW)

    assert credit.take(WINDOW)  # one event may reach beyond the end
    assert not credit.take(1)


def test_what_is_given_back_is_told_in_halves_of_the_window() -> None:
    credit = Credit(WINDOW)
    for _ in range(4):
        credit.take(200)

    assert [0, 0, 600, 0] == [credit.give_back(200) for _ in range(4)]
