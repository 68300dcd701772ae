"""
One circuit: what opens it, how long, and what closes it.
"""

from __future__ import annotations

from toolcell_server.breaking.circuit import PROBED_SECONDS, Circuit, Rules

RULES = Rules(failures=3, window_seconds=30.0, open_seconds=10.0, half_open=1)


def failed(circuit: Circuit, *times: float, principal: str = "a") -> Circuit:
    for now in times:
        circuit.failed(principal, now)
    return circuit


def circuit(most_of_one: int = 3, rules: Rules = RULES) -> Circuit:
    return Circuit(rules, most_of_one)


def test_it_opens_after_so_many_failures_and_says_how_long() -> None:
    assert 0.0 == failed(circuit(), 1, 2).wait_seconds(2)
    assert 10.0 == failed(circuit(), 1, 2, 3).wait_seconds(3)
    assert 4.0 == failed(circuit(), 1, 2, 3).wait_seconds(9)


def test_old_failures_do_not_count() -> None:
    assert not failed(circuit(), 1, 2, 31.5).is_open
    assert failed(circuit(), 1, 2, 30.5).is_open


def test_a_tool_that_works_more_often_than_not_stays_closed() -> None:
    made = circuit()
    for now in range(100):
        made.failed("a", now)
        made.succeeded(now)

    assert made.is_clean


def test_half_open_it_lets_one_through_at_a_time() -> None:
    made = failed(circuit(), 1, 2, 3)
    first = made.wait_seconds(13), made.enter()
    second = made.wait_seconds(13)
    made.leave()

    assert (0.0, True) == first
    assert PROBED_SECONDS == second
    assert 0.0 == made.wait_seconds(13)


def test_a_success_closes_it_and_a_failure_opens_it_again() -> None:
    closed, reopened = failed(circuit(), 1, 2, 3), failed(circuit(), 1, 2, 3)
    closed.succeeded(13)
    reopened.failed("a", 13)

    assert not closed.is_open
    assert 10.0 == reopened.wait_seconds(13)


def test_calls_that_began_before_it_opened_say_nothing() -> None:
    made = failed(circuit(), 1, 2, 3)
    made.failed("a", 5)
    made.succeeded(6)

    assert 7.0 == made.wait_seconds(6)


def test_one_caller_never_opens_what_others_use() -> None:
    """
    Whatever he does; but half of the failures are his if others meet them, too.
    """
    made = failed(circuit(most_of_one=2), *range(20), principal="mallory")
    alone = made.is_open
    made.failed("alice", 20)

    assert not alone
    assert made.is_open


def test_an_old_failure_of_one_caller_is_the_one_that_no_longer_counts() -> None:
    made = failed(circuit(most_of_one=2), 0, 20, 25, principal="mallory")
    failed(made, 31, principal="alice")  # of mallory those at 20 and 25 are left

    assert made.is_open
