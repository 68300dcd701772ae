"""
What is known of a turn while it is executed, and what to do next.  No network.

Theory of operation.  `TurnStream` and its asynchronous twin only carry: they read the provider's
stream, run what is to run, and ask whoever is to be asked.  What follows from what is decided here,
once for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from toolcell_client.errors import ApprovalPending, ApprovalPinWrong, ApprovalRequired
from toolcell_client.formats.turns import Answer, ModelTurn, Problem
from toolcell_client.loops.answering import Answering
from toolcell_client.loops.approving import Approve, Decision, Deny, PendingCall, denied, pending
from toolcell_client.loops.events import Answered, Waiting
from toolcell_client.loops.kept import READ_RESULT
from toolcell_client.loops.planning import Planned, Way, plan
from toolcell_client.loops.turn_result import Extracted, TurnResult

if TYPE_CHECKING:
    from typing import Self

    from toolcell_client.errors import ToolcellError
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import RawCall, ToolCall, WireTurn
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.result import Result

INTERRUPTED = "The response was interrupted before the call began; nothing ran."


@dataclass(frozen=True, slots=True)
class Run:
    """
    Send this call; with a token, if somebody said yes to it.
    """

    planned: Planned
    token: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Consult:
    """
    Ask the program's `approve` about this call.
    """

    pending: PendingCall


@dataclass(frozen=True, slots=True)
class Extract:
    """
    Check the arguments of this call against its schema.
    """

    planned: Planned


Step = Run | Consult | Extract | Answered | Waiting


class TurnState:
    """
    One turn.
    """

    def __init__(self, provider: str, toolset: Toolset, settings: TurnSettings) -> None:
        kept = None if settings.kept is None else settings.kept.usable(toolset)
        self.provider, self.settings, self._kept = provider, settings, kept
        self.toolset = toolset if kept is None else kept.offered(toolset)
        self._only = settings.only if kept is None else kept.allowed(settings.only)
        self._answering = Answering(settings.bounds, kept)
        self.turn = ModelTurn(provider=provider)
        self._order: list[Planned] = []
        self._answers: dict[int, Answer] = {}
        self._pending: dict[int, PendingCall] = {}
        self._results: dict[str, Result | ToolcellError] = {}
        self._extracted: dict[int, Extracted] = {}

    @classmethod
    def of(cls, result: TurnResult, settings: TurnSettings) -> Self:
        """
        A turn that goes on from where it was.
        """
        state = cls(result.turn.provider, result.toolset, settings)
        state.turn, state._order = result.turn, list(result.order)  # our own
        state._restore(result)
        return state

    def read(self, raw: RawCall) -> Planned:
        """
        Take a call that has become whole.
        """
        earlier = {each.call.call_id for each in self._order}
        return self._plan(self.toolset.call(raw, self._only, answered=earlier))

    def finish(self, wire: WireTurn) -> list[Planned]:
        """
        Take the whole response, and return the calls of it that had not become whole before.  What
        has begun has begun: it keeps its answer, even if the response was cut off after it.
        """
        turn = self.toolset.read(self.provider, wire, self._only)
        begun, late = list(self._order), []
        order = []
        for call in turn.calls:
            planned = next((each for each in begun if _same(each.call.raw, call.raw)), None)
            if planned is None:
                planned = self._plan(call)
                late.append(planned)
            else:
                begun.remove(planned)
            order.append(planned)
        self._order = order
        self.turn = replace(turn, calls=tuple(each.call for each in order))
        return late

    def first(self, planned: Planned) -> Step:
        """
        What to do with a call that was read.
        """
        match planned.way:
            case Way.TELL:
                return self._answered(planned, self._problem(planned))
            case Way.RUN if planned.tool is READ_RESULT and self._kept is not None:
                return self._answered(planned, self._answering.reading(planned))
            case Way.EXTRACT:
                return Extract(planned)
            case Way.RUN if self.settings.auto_execute:
                return Run(planned)
            case _:
                return self._waiting(PendingCall(planned=planned))

    def ended(self, run: Run, outcome: Result | ToolcellError | None) -> Step:
        """
        What to do once a call was sent; `None`: it never was, because the response was interrupted.
        """
        planned, asked = run.planned, self._pending.pop(run.planned.place, None)
        if outcome is None:
            call = replace(planned.call, problem=Problem.CANCELLED, detail=INTERRUPTED)
            return self._answered(planned, self._problem(replace(planned, call=call)))
        self._results[planned.key] = outcome
        if isinstance(outcome, ApprovalRequired) and outcome.token:
            again = asked is not None and asked.question is not None
            return self._ask(pending(planned, outcome), again=again)
        if asked is not None and asked.question is not None:
            if isinstance(outcome, ApprovalPending):
                return self._waiting(asked)
            if isinstance(outcome, ApprovalPinWrong) and outcome.attempts_left:
                question = replace(asked.question, pin_wrong=True)
                return self._ask(replace(asked, question=question), again=False)
        return self._answered(planned, self._answering.ended(planned, outcome))

    def decided(self, waiting: PendingCall, decision: Decision) -> Step:
        """
        What to do once somebody has decided about a call.
        """
        planned = waiting.planned
        if isinstance(decision, Approve):
            self._pending[planned.place] = waiting
            return Run(planned, waiting.token, decision.pin)
        if isinstance(decision, Deny):
            self._pending.pop(planned.place, None)
            told = Answer(call=planned.call, value=denied(decision), failed=True)
            return self._answered(planned, told)
        return self._waiting(waiting)

    def extracted(self, planned: Planned, told: Answer) -> Answered:
        """
        Take what the model is told of a call of a schema-only tool.
        """
        if not told.failed:
            value = planned.call.arguments
            self._extracted[planned.place] = Extracted(call=planned.call, value=value)
        return self._answered(planned, told)

    def result(self) -> TurnResult:
        """
        The turn as it is now.
        """
        kept, places = self._kept, [each.place for each in self._order]
        return TurnResult(
            turn=self.turn,
            answers=tuple(self._answers[each] for each in places if each in self._answers),
            results=dict(self._results),
            pending=tuple(self._pending[each] for each in places if each in self._pending),
            extracted=tuple(self._extracted[each] for each in places if each in self._extracted),
            toolset=self.toolset if kept is None else kept.offered(self.toolset),
            order=tuple(self._order),
            settings=self.settings,
        )

    def _restore(self, result: TurnResult) -> None:
        self._results = dict(result.results)
        self._pending = {each.planned.place: each for each in result.pending}
        self._answers = result.by_place()
        of_call = {id(each.call): each for each in result.extracted}
        self._extracted = {
            each.place: of_call[id(each.call)] for each in self._order if id(each.call) in of_call
        }

    def _problem(self, planned: Planned) -> Answer:
        aliases, only = self.toolset.aliases, self._only
        names = [
            aliases[each] for each in aliases if only is None or {each, aliases[each]} & {*only}
        ]
        return self._answering.problem(planned, names)

    def _plan(self, call: ToolCall) -> Planned:
        tool = self.toolset.tools.get(call.tool)
        planned = plan(len(self._order), call, tool, self.settings.turn_id)
        if tool is not None and planned.way is not Way.TELL:
            names = self.toolset.properties(self.provider, tool.name)
            planned = replace(planned, properties=names)
        self._order.append(planned)
        return planned

    def _ask(self, waiting: PendingCall, *, again: bool) -> Step:
        if self.settings.approve is None or again:
            return self._waiting(waiting)
        return Consult(waiting)

    def _waiting(self, waiting: PendingCall) -> Waiting:
        self._pending[waiting.planned.place] = waiting
        return Waiting(waiting.call, waiting)

    def _answered(self, planned: Planned, told: Answer) -> Answered:
        self._answers[planned.place] = told
        return Answered(planned.call, told)


def _same(one: RawCall, other: RawCall) -> bool:
    return (one.call_id, one.name, one.arguments) == (other.call_id, other.name, other.arguments)
