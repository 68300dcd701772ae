"""
One call that a framework hands over, from what the model wrote to what it is told.  No network.

Theory of operation.  A framework has read the response already and hands over its calls one by one,
each in a task of its own.  So each is a turn with one call: what is decided about calls of turns
(arguments that are none, answers that fit, approvals, help to repair) is decided here, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import InvalidArguments, ToolcellError
from toolcell_client.formats.turns import Problem, RawCall
from toolcell_client.loops.events import Answered, Waiting
from toolcell_client.loops.extracting import extract
from toolcell_client.loops.turn_state import Consult, Extract, Run, TurnState
from toolcell_client.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import Answer
    from toolcell_client.loops.approving import Decision, PendingCall, Question
    from toolcell_client.loops.planning import Planned
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.loops.turn_state import Step

ELSEWHERE = (
    "Somebody else has to approve it at the tool service."
    " Once they have, call it again with the same arguments."
)


class OneCall:
    """
    A call.  `name` is what the model calls the tool; `arguments` are an object, or JSON text.
    `outcome` is what the service said last, None: it was not asked.
    """

    def __init__(
        self,
        toolset: Toolset,
        settings: TurnSettings,
        name: str,
        arguments: str | Mapping[str, Any],
        call_id: str = "",
    ) -> None:
        # The provider names only the format of messages, and a framework makes those itself.
        self._state = TurnState("openai", toolset, settings)
        raw = RawCall(call_id=call_id, name=name, arguments=arguments)
        self.planned: Planned = self._state.read(raw)
        self.step: Step = self._state.first(self.planned)
        self.outcome: Result | ToolcellError | None = None

    @property
    def pending(self) -> PendingCall | None:
        """
        The call, while it waits for a yes.
        """
        return self.step.pending if isinstance(self.step, Consult | Waiting) else None

    @property
    def question(self) -> Question | None:
        return self.pending.question if self.pending is not None else None

    @property
    def confirmable(self) -> bool:
        """
        Whether it waits for the yes of the person at this program's side.
        """
        return self.question is not None and self.question.kind == "confirm"

    def take(self, run: Run, outcome: Result | ToolcellError | None) -> None:
        """
        What came of sending it; None: it was not sent, because somebody interrupted.
        """
        self.outcome = outcome
        self.step = self._state.ended(run, outcome)

    def decide(self, decision: Decision) -> None:
        """
        What somebody said about it.
        """
        assert self.pending is not None, "only what waits is decided"
        self.step = self._state.decided(self.pending, decision)

    def extract(self, step: Extract) -> None:
        """
        Check the arguments of a tool that has only a schema.
        """
        self.step = self._state.extracted(step.planned, extract(step.planned))

    @property
    def result(self) -> Result | None:
        """
        How the execution ended, if there was one.
        """
        return self.outcome if isinstance(self.outcome, Result) else None

    @property
    def failed(self) -> bool:
        return not isinstance(self.step, Answered) or self.step.answer.failed

    @property
    def repairable(self) -> bool:
        """
        Whether the same tool with other arguments may work: nothing ran, and the arguments are why.
        """
        wrong = self.planned.call.problem is Problem.MALFORMED
        wrong |= isinstance(self.step, Answered) and self.step.call.problem is Problem.MALFORMED
        return self.failed and (wrong or isinstance(self.outcome, InvalidArguments) or self._unfit)

    @property
    def _unfit(self) -> bool:
        return self.outcome is None and isinstance(self.told, dict) and "violations" in self.told

    @property
    def answer(self) -> Answer | None:
        return self.step.answer if isinstance(self.step, Answered) else None

    @property
    def told(self) -> Any:
        """
        What the model is told: of a call that waits, that it does.
        """
        if self.answer is not None:
            return self.answer.value
        told = {} if self.pending is None else self.pending.meanwhile
        if self.question is None:
            return told
        told = {**told, "approval_id": self.question.approval_id}
        return {**told, "hint": ELSEWHERE} if self.question.kind == "approve" else told

    @property
    def text(self) -> str:
        """
        The same as text: a string as it is, anything else as JSON.
        """
        told = self.told
        return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
