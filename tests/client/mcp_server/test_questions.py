"""
What was asked is kept for one call of one principal, for a while, once.
"""

from __future__ import annotations

import datetime as dt

from toolcell_client.mcp_server.questions import (
    MOST_OF_ONE,
    MOST_QUESTIONS,
    Asking,
    Question,
    Questions,
)

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINE = Asking(principal="alice", tool="mail", digest="d")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


def question(asking: Asking = MINE, seconds: float = 60, token: str = "secret") -> Question:
    expires = START + dt.timedelta(seconds=seconds)
    return Question(asking=asking, approval_id="apr-1", token=token, expires=expires)


def test_an_answer_is_taken_once() -> None:
    """
    The first time; the state itself says nothing.
    """
    questions = Questions(Clock())
    handle = questions.ask(question())

    assert "secret" not in f"{handle} {question()!r}"
    assert len(handle) >= 43
    assert question() == questions.take(handle, MINE)
    assert questions.take(handle, MINE) is None


def test_another_call_uses_it_up_and_another_principal_does_not() -> None:
    """
    Nobody can spoil somebody else's question.
    """
    questions = Questions(Clock())
    handle = questions.ask(question())
    mallory = Asking(principal="mallory", tool="mail", digest="d")
    other = Asking(principal="alice", tool="mail", digest="e")

    assert questions.take(handle, mallory) is None
    assert questions.take(handle, other) is None
    assert questions.take(handle, MINE) is None
    handle = questions.ask(question())
    assert questions.take(handle, mallory) is None
    assert questions.take(handle, MINE) is not None


def test_what_is_over_is_gone() -> None:
    """
    By the wall clock, as the server says it.
    """
    clock = Clock()
    questions = Questions(clock)
    handle = questions.ask(question())
    questions.remember(question())
    assert questions.recall(MINE) is not None
    clock.now += dt.timedelta(seconds=60)

    assert questions.take(handle, MINE) is None
    assert questions.recall(MINE) is None


def test_one_principal_cannot_push_out_others() -> None:
    """
    Its own oldest question goes.
    """
    questions = Questions(Clock())
    alices = questions.ask(question())
    hers = [Asking(principal="mallory", tool="mail", digest=f"{n}") for n in range(3 * MOST_OF_ONE)]
    handles = [questions.ask(question(each)) for each in hers]
    for each in hers:
        questions.remember(question(each))

    assert questions.take(handles[0], hers[0]) is None
    assert questions.take(handles[-1], hers[-1]) is not None
    assert questions.recall(hers[0]) is None
    assert questions.take(alices, MINE) is not None


def test_there_is_a_bound_for_all_together() -> None:
    """
    Whoever asked first is forgotten first.
    """
    questions = Questions(Clock())
    askings = [Asking(principal=f"p{n}", tool="t", digest="d") for n in range(MOST_QUESTIONS + 1)]
    handles = [questions.ask(question(each)) for each in askings]

    assert questions.take(handles[0], askings[0]) is None
    assert questions.take(handles[1], askings[1]) is not None
