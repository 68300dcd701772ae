"""
One turn, executed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import CallRefused, ToolcellError
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.turns import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import ModelTurn, ToolCall
    from toolcell_client.loops.approving import PendingCall
    from toolcell_client.loops.planning import Planned
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.result import Result


# By whether somebody was asked.
PENDING = {True: "need a yes", False: "have not been executed (auto_execute=False)"}


class TurnIncomplete(ValueError):  # noqa: N818  # names what happened
    """
    Raised when messages are asked for while calls are pending.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """
    The arguments of a call of a schema-only tool; they fit its schema.
    """

    call: ToolCall
    value: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """
    Theory of operation.  Providers want one result for each call of a turn, all of them before
    anything else is said, and take none later.  So a call that waits holds the whole turn back:
    `messages` says so instead of telling the model something that can never be put right.  Who
    wants the model to go on meanwhile asks for `messages_meanwhile`, which answers such calls with
    "waits", and tells it later, by `news` of the turn that was resumed, what came of them.

    `answers` are of all calls but the pending ones, in the order of the calls.  `results` are what
    the service said, by call id, or by "#" and the place of a call that has none; a call that the
    service could not be asked about has its error there, too: see `unanswered`.
    """

    turn: ModelTurn
    answers: tuple[Answer, ...] = ()
    results: Mapping[str, Result | ToolcellError] = field(default_factory=dict)
    pending: tuple[PendingCall, ...] = ()
    extracted: tuple[Extracted, ...] = ()
    toolset: Toolset = field(repr=False)
    order: tuple[Planned, ...] = field(repr=False)
    settings: TurnSettings = field(repr=False)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """
        What follows `turn.messages` in the history: the results of all calls.

        Raises:
            TurnIncomplete: some are pending.
        """
        if self.pending:
            raise TurnIncomplete(self._complaint())
        return self._messages(self.answers)

    @property
    def messages_meanwhile(self) -> list[dict[str, Any]]:
        """
        The same, in which pending calls are answered with that they wait.
        """
        told = self.by_place()
        for each in self.pending:
            told[each.planned.place] = Answer(call=each.call, value=each.meanwhile, failed=True)
        return self._messages(tuple(told[each.place] for each in self.order))

    @property
    def unanswered(self) -> tuple[ToolcellError, ...]:
        """
        Errors of calls about which the service said nothing: it cannot be reached, or was too late.
        The model is told; the program may want to end its loop.
        """
        return tuple(
            each
            for each in self.results.values()
            if isinstance(each, ToolcellError) and not isinstance(each, CallRefused)
        )

    def news(self, before: TurnResult) -> list[dict[str, Any]]:
        """
        A message of the user that tells what came of calls that were pending `before`, for a model
        that was told that they wait.  A provider takes no second result for a call.  Each is a line
        of JSON, so that no result can pass for another one, or for words of the user.
        """
        told = self.by_place()
        waited = [each.planned for each in before.pending]
        decided = [each for each in waited if each.place in told]
        if not decided:
            return []
        lines = [_news(each.call.tool, told[each.place]) for each in decided]
        text = "\n".join(["Calls that waited have been decided. Their results:", *lines])
        return [format_of(self.turn.provider).said("user", text)]

    def by_place(self) -> dict[int, Answer]:
        """
        The answers by the place of their call in the response.
        """
        waiting = {each.planned.place for each in self.pending}
        answered = (each.place for each in self.order if each.place not in waiting)
        return dict(zip(answered, self.answers, strict=True))

    def _complaint(self) -> str:
        asked = any(each.question is not None for each in self.pending)
        tools = ", ".join(sorted({each.call.tool for each in self.pending}))
        how = " (run_tool_calls(…, approve=…) asks you at once)" if asked else ""
        return (
            f"{len(self.pending)} of {len(self.order)} calls {PENDING[asked]} ({tools}), and a"
            " provider takes the results of all calls together. Either decide and go on with"
            ' `done = client.resume_tool_calls(done, Approve())`, or Deny("why"), both of'
            f" toolcell_client.loops{how}; or send `messages_meanwhile`, which tells the model that"
            " they wait"
        )

    def _messages(self, answers: tuple[Answer, ...]) -> list[dict[str, Any]]:
        return self.toolset.results(self.turn.provider, answers) if answers else []


def _news(tool: str, told: Answer) -> str:
    named = "error" if told.failed else "result"
    return json.dumps({"tool": tool, named: told.value}, ensure_ascii=False)
