"""
What people were asked, and have not answered yet.  Pure.

Theory of operation.  A call that needs a yes is refused with a token; whoever has the token can
send the call again.  A client of the 2026-07-28 era gets a `requestState` and sends it back with
the person's answer.  It is visible to the client's program, and anybody could make one up, so it
says nothing: 256 random bits, under which the token is kept here, with the principal, the tool, the
SHA-256 of the arguments and the time at which it ends.  Nothing sealed leaves this process, so
there is no key to lose, and what was taken once is gone.  The price: the answer must come back to
the process that asked.

What has to be approved by somebody else is remembered by the principal and the call instead, so
that the same call, sent again after the approval, goes through.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_QUESTIONS = 1000  # arbitrary
MOST_OF_ONE = 64  # arbitrary; of one principal, so that it cannot push out others'


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """
    Who calls what: the principal's key, the tool, and the SHA-256 of the arguments, hexadecimal.
    """

    principal: str
    tool: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    One approval that is waited for.  `expires` is a time of the wall clock, in UTC.
    """

    asking: Asking
    approval_id: str
    token: str = field(repr=False)
    expires: dt.datetime


def now() -> dt.datetime:
    """
    In UTC.
    """
    return dt.datetime.now(dt.UTC)


class Questions:
    """
    Kept in memory.
    """

    def __init__(self, clock: Callable[[], dt.datetime] = now) -> None:
        self._clock = clock
        self._kept: dict[str, Question] = {}
        self._remembered: dict[Asking, Question] = {}

    def ask(self, question: Question) -> str:
        """
        Keep it, and say under what.
        """
        self._make_room(self._kept, question.asking.principal)
        handle = secrets.token_urlsafe(32)
        self._kept[handle] = question
        return handle

    def take(self, handle: str, asking: Asking) -> Question | None:
        """
        The question that this very call was asked, once.  An answer that belongs to another call of
        the same principal uses it up; one of another principal does nothing.
        """
        question = self._kept.get(handle)
        if question is None or question.asking.principal != asking.principal:
            return None
        del self._kept[handle]
        good = question.asking == asking and question.expires > self._clock()
        return question if good else None

    def remember(self, question: Question) -> None:
        """
        Keep it for when the same call comes again.
        """
        self._remembered.pop(question.asking, None)
        self._make_room(self._remembered, question.asking.principal)
        self._remembered[question.asking] = question

    def recall(self, asking: Asking) -> Question | None:
        """
        The question about the same call; it stays.
        """
        question = self._remembered.get(asking)
        if question is not None and question.expires <= self._clock():
            del self._remembered[asking]
            return None
        return question

    def forget(self, asking: Asking) -> None:
        self._remembered.pop(asking, None)

    def _make_room(self, kept: dict[Any, Question], principal: str) -> None:
        for key in [key for key, each in kept.items() if each.expires <= self._clock()]:
            del kept[key]
        own = [key for key, each in kept.items() if each.asking.principal == principal]
        if len(own) >= MOST_OF_ONE:
            del kept[own[0]]
        elif len(kept) >= MOST_QUESTIONS:
            del kept[next(iter(kept))]
