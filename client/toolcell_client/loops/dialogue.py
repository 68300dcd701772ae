"""
What a conversation knows while it goes on.  No network.

Theory of operation.  `history` is always something that the provider would take: a turn of the
model enters it together with the answers to all of its calls, or not at all.  Until then it is
`open`.  Nothing that has run is forgotten: whatever interrupts the execution of a turn, its calls
are answered with that, and the turn enters the history.  A message of the user that no model has
answered, because the provider failed, is taken back, and kept for `retry`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.providers import format_of
from toolcell_client.formats.toolset import Toolset
from toolcell_client.loops.entries import ModelFailed, ModelSaid, UserSaid
from toolcell_client.loops.histories import joined, sendable
from toolcell_client.loops.kept import KeptResults
from toolcell_client.loops.repeating import Repeating
from toolcell_client.loops.transcript import Transcript
from toolcell_client.usage.ledger import Usage
from toolcell_client.usage.request import ModelRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from toolcell_client.formats.turns import Answer, ModelTurn, WireTurn
    from toolcell_client.loops.conversing import Settings
    from toolcell_client.loops.reply import Pending
    from toolcell_client.loops.turn_result import Extracted
    from toolcell_client.loops.turn_state import TurnState


ERROR_CHARACTERS = 500  # arbitrary; providers put whole requests into some errors


@dataclass(slots=True, kw_only=True)
class OpenTurn:
    """
    A turn that is not in the history yet.  `answers` and `waiting` are by the place of the call in
    the turn.  `runs` are what was executed, with the places of its calls; a conversation that was
    restored has none.
    """

    turn: ModelTurn
    answers: dict[int, Answer] = field(default_factory=dict)
    waiting: dict[int, Pending] = field(default_factory=dict)
    recorded: set[int] = field(default_factory=set)
    runs: list[tuple[TurnState, tuple[int, ...]]] = field(default_factory=list)


class Dialogue:
    """
    One conversation.
    """

    def __init__(
        self,
        settings: Settings,
        history: Iterable[Mapping[str, Any]] = (),
        transcript: Transcript | None = None,
    ) -> None:
        self.settings = settings
        self.history = [dict(each) for each in history]
        self.transcript = Transcript() if transcript is None else transcript
        self.identity = uuid.uuid4().hex
        self.turns_made = 0
        self.usage = Usage()
        self.listed = Toolset(())
        self.kept = KeptResults()
        self.used: dict[str, None] = {}  # names of tools, the latest last
        self.found: dict[str, None] = {}
        self.fitting: tuple[str, ...] = ()
        self.open: OpenTurn | None = None
        self._before = self.history
        self.begin(None)

    def begin(self, text: str | None) -> None:
        """
        A message of the user: a new budget of steps and seconds.
        """
        self.unsent, self.unfinished = text, text is not None
        self.steps = 0
        self.turns: list[ModelTurn] = []
        self.extracted: list[Extracted] = []
        self.message_usage = Usage()
        self.repeating = Repeating(self.settings.budget.repeats)
        self._spent = 0.0
        self._since: float | None = None

    def said(self, text: str, *, again: bool = False) -> None:
        """
        The user says something; `again` after it was taken back.
        """
        message = format_of(self.settings.provider).said("user", text)
        self._before = self.history
        self.history = joined(self.settings.provider, self.history, message)
        if not again:
            self.record(UserSaid(text=text))

    def failed(self, error: BaseException) -> None:
        """
        The provider did not answer.  If it has answered nothing of this message, the history is as
        it was before.
        """
        if self.unsent is not None:
            self.history = self._before
        name = type(error).__name__
        self.record(ModelFailed(error=name, message=str(error)[:ERROR_CHARACTERS]))

    def took(
        self, wire: WireTurn, known: Toolset, offered: Collection[str], seconds: float
    ) -> ModelTurn:
        """
        The model has answered; of the tools that are known these were offered.
        """
        turn = known.read(self.settings.provider, wire, offered)
        self.turns.append(turn)
        self.turns_made += 1
        self.steps += 1
        self.unsent = None
        request = self._request(turn)
        self.usage, self.message_usage = self.usage.plus(request), self.message_usage.plus(request)
        self.record(
            ModelSaid(
                model=request.model,
                text=turn.text,
                stop=str(turn.stop),
                calls=len(turn.calls),
                tokens=turn.tokens,
                cost=request.cost,
                seconds=seconds,
            )
        )
        if self.settings.metrics is not None:
            self.settings.metrics.record(request)
        return turn

    def enter(self, turn: ModelTurn, answers: Iterable[Answer]) -> None:
        """
        Put a turn into the history, with the answers to all of its calls.
        """
        told = tuple(answers)
        assert len(told) == len(turn.calls), "every call has an answer"
        results = self.listed.results(self.settings.provider, told) if told else []
        self.history += [*sendable(turn.messages), *results]
        self.open = None

    def record(self, entry: Any) -> None:
        self.transcript.add(replace(entry, time=self.settings.now()))

    def last_text(self) -> str:
        return next((each.text for each in reversed(self.turns) if each.text), "")

    @property
    def seconds(self) -> float:
        """
        How long this message has been worked on; the time in which a person decides is not counted.
        """
        running = 0.0 if self._since is None else self.settings.clock() - self._since
        return self._spent + running

    def start(self) -> None:
        self._since = self.settings.clock()

    def stop(self) -> None:
        self._spent, self._since = self.seconds, None

    def restore_spent(self, steps: int, seconds: float) -> None:
        """
        What the message that is open has taken before the program ended.
        """
        self.steps, self._spent = steps, seconds

    def _request(self, turn: ModelTurn) -> ModelRequest:
        how = self.settings
        cost = how.prices.cost(how.provider, turn.tokens, turn.model, how.model_name)
        return ModelRequest(
            provider=how.provider,
            model=turn.model or how.model_name,
            conversation=how.name,
            tokens=turn.tokens,
            cost=cost,
            currency=how.prices.currency,
            stop=turn.stop,
        )
