"""
Questions that the user has to say yes to, and whether he did.  Pure: the clock is passed in.

Theory of operation.  A model asks for something that must not happen by mistake.  What stands
between the two is a yes of the user, and neither the model's word nor its reading of the user is
one.  The machine checks, in this order:

1. The id is that of the one open question.  Ids cannot be guessed, and three wrong ones close it.
2. It is in time, and not used.
3. The question was read out in full, by a response of its own in which no tool may be called; the
   words of its arguments are in what the model said.
4. The first thing that was said after it, by anybody, is a turn of the user that began after it
   and whose transcript is a yes.  A no closes the question.  Anything else, or another sentence of
   the model in between, makes the yes a yes to something else: the question is read out again.
5. The model asks in a response that began after that turn.

Then the call runs as it was first asked for: its arguments were kept here, not sent again.  At most
one question is open, so a yes has one meaning; a new one closes it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.hearing import Heard, digits, hear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_client.voice.languages import Language
    from toolcell_client.voice.user_turns import UserTurn

WRONG_IDS = 3  # until the open question is closed
KEPT = 100  # arbitrary; closed questions that are remembered by what became of them


@dataclass(slots=True, kw_only=True)
class Question:
    """
    A call that waits for a yes.  `spoken` is the place at which it had been read out; 0: not yet.
    """

    confirmation_id: str
    tool: str
    version: str
    arguments_json: str
    sentence: str
    expires: float
    token: str = field(default="", repr=False)
    code: str = ""
    spoken: int = 0
    items: frozenset[str] = frozenset()  # that were read out

    @property
    def digest(self) -> str:
        """
        SHA-256 of the call, hexadecimal.
        """
        parts = json.dumps([self.tool, self.version, self.arguments_json])
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    "confirmed" with the question, "wait", or the word for what is missing.  `ask_again`: the
    question is still open and has to be read out.
    """

    reason: str
    question: Question | None = None
    pin: str = field(default="", repr=False)
    ask_again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What the model says of a yes: `place` is where its response began.  `said` are places at which
    the model had said something else.
    """

    confirmation_id: str
    phrase: str
    place: int
    turns: Sequence[UserTurn]
    said: Sequence[int]


class Confirmations:
    """
    The open question, and what became of earlier ones.
    """

    def __init__(
        self,
        *,
        seconds: float,
        by: str,
        language: Language,
        make_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
        make_code: Callable[[], str] = lambda: f"{secrets.randbelow(10_000):04}",
    ) -> None:
        self.open: Question | None = None
        self._seconds, self._by, self._language = seconds, by, language
        self._make_id, self._make_code = make_id, make_code
        self._closed: dict[str, str] = {}
        self._wrong = 0

    def ask(
        self,
        tool: str,
        version: str,
        arguments: dict[str, Any],
        sentence: str,
        *,
        token: str,
        now: float,
    ) -> Question:
        """
        Open a question; one that is open is closed.
        """
        self.close("replaced")
        words, code = self._language, ""
        if self._by == "code":
            code = self._make_code()
            sentence = f"{sentence} {words.say_code.format(code=' '.join(code))}"
        if self._by == "pin":
            sentence = f"{sentence} {words.say_pin}"
        self.open = Question(
            confirmation_id=self._make_id(),
            tool=tool,
            version=version,
            arguments_json=json.dumps(arguments, sort_keys=True, ensure_ascii=False),
            sentence=sentence,
            expires=now + self._seconds,
            token=token,
            code=code,
        )
        self._wrong = 0
        return self.open

    def close(self, why: str) -> None:
        """
        Nothing can be confirmed any more.
        """
        if self.open is not None:
            self._closed[self.open.confirmation_id] = why
            self.open = None
        while len(self._closed) > KEPT:
            del self._closed[next(iter(self._closed))]

    def judge(self, asked: Asked, now: float) -> Verdict:
        """
        Whether the user has said yes to that question; if so it is used up.
        """
        question = self.open
        if question is not None and now >= question.expires:
            self.close("expired")
        if self.open is None or asked.confirmation_id != self.open.confirmation_id:
            return self._not_open(asked.confirmation_id)
        if not self.open.spoken:
            return Verdict("not_read_out", self.open, ask_again=True)
        return self._heard(self.open, asked)

    def _not_open(self, confirmation_id: str) -> Verdict:
        why = self._closed.get(confirmation_id, "")
        if not why and self.open is not None:
            self._wrong += 1
            if self._wrong >= WRONG_IDS:
                self.close("guessed")
        return Verdict(why or "unknown")

    def _heard(self, question: Question, asked: Asked) -> Verdict:
        turns = [each for each in asked.turns if each.began > question.spoken]
        if not turns:
            return Verdict("no_user_turn", question)
        if any(not each.committed or each.transcript is None for each in turns):
            return Verdict("wait", question)
        heard = [(each, self._hear(each, question)) for each in turns]
        if any(what is Heard.NO for _, what in heard) or self._denies(asked.phrase):
            self.close("denied")
            return Verdict("denied")
        said = [(each, what) for each, what in heard if what is not Heard.NOTHING]
        if not said:
            return Verdict("not_understood", question, ask_again=True)
        return self._answered(question, asked, *said[0], others=len(said) - 1)

    def _answered(
        self, question: Question, asked: Asked, turn: UserTurn, what: Heard, *, others: int
    ) -> Verdict:
        between = any(question.spoken < place < turn.began for place in asked.said)
        if what is not Heard.YES or others or between:
            return Verdict("not_a_clear_yes", question, ask_again=True)
        if asked.place <= turn.committed:
            return Verdict("too_early", question)
        spoken = digits(turn.transcript or "", self._language)
        if question.code and question.code not in spoken:
            return Verdict("wrong_code", question, ask_again=True)
        if self._by == "pin" and not spoken:
            return Verdict("no_pin", question, ask_again=True)
        self.close("used")
        return Verdict("confirmed", question, pin=spoken if self._by == "pin" else "")

    def _hear(self, turn: UserTurn, question: Question) -> Heard:
        if turn.failed:
            return Heard.UNCLEAR
        figures = None if self._by == "pin" else question.code
        return hear(turn.transcript or "", self._language, question.sentence, figures)

    def _denies(self, phrase: str) -> bool:
        return hear(phrase, self._language) is Heard.NO
