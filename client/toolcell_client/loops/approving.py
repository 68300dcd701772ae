"""
Calls that wait for a yes: what is asked, what can be answered, and what is kept meanwhile.  Pure.

Theory of operation.  The token of an approval is all that a second call of kind "confirm" needs, so
it must reach neither a model nor a log: it lives in `PendingCall` alone, outside its repr, and
`Question`, which programs show and log, never has it.  What was asked about is bound: the text of
the arguments was made once, when the call was read, and the same text is sent again with the token.
The server compares, too (`ApprovalAltered`), so a changed call needs a question of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_client.approval_refusals import ApprovalRequired
    from toolcell_client.formats.turns import ToolCall
    from toolcell_client.loops.planning import Planned

WAITS = "This call waits for the approval of a person; nothing ran. Do not call it again meanwhile."
NOT_YET = "This call has not been executed yet; nothing ran. Do not call it again meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    What somebody has to say yes to.  `kind` "confirm": the person at this program's side;
    "approve": another principal, at the server, so that saying `Approve` only tries the call again.
    `summary` is the server's; `expires` is RFC 3339.  `pin_wrong`: a PIN is needed, or was wrong.
    """

    call: ToolCall
    kind: str
    summary: str
    expires: str
    approval_id: str
    pin_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Approve:
    """
    Yes; with the PIN that the person typed, where the principal has one.
    """

    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Deny:
    """
    No; the model is told the reason.
    """

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """
    Not now: the call is pending, and can be continued.
    """


Decision = Approve | Deny | Later
Decided = Decision | bool  # True is short for Approve(), False for Deny()
Decisions = Decided | Mapping[str, Decided]  # one for all calls, or by key
Ask = Callable[[Question], Any]  # returns a Decided; for AsyncClient also an awaitable of one


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCall:
    """
    A call that was not executed.  `question` is None if nobody was asked: `auto_execute` was off.
    """

    planned: Planned = field(repr=False)
    question: Question | None = None
    token: str = field(default="", repr=False)

    @property
    def call(self) -> ToolCall:
        return self.planned.call

    @property
    def key(self) -> str:
        """
        Names the call in decisions: its id, or "#" and its place where the provider gives none.
        """
        return self.planned.key

    @property
    def meanwhile(self) -> dict[str, Any]:
        """
        What a model can be told before the call is decided.
        """
        asked = self.question is not None
        return {
            "ok": False,
            "error": "waits_for_approval" if asked else "not_executed_yet",
            "message": WAITS if asked else NOT_YET,
        }


def pending(planned: Planned, required: ApprovalRequired) -> PendingCall:
    """
    Of a call that was refused because somebody has to say yes.
    """
    question = Question(
        call=planned.call,
        kind=required.kind,
        summary=required.summary,
        expires=required.expires,
        approval_id=required.approval_id,
    )
    return PendingCall(planned=planned, question=question, token=required.token)


def decided(value: object) -> Decision:
    """
    What a program has decided.

    Raises:
        TypeError: it is no decision.
    """
    if isinstance(value, bool):
        return Approve() if value else Deny()
    if isinstance(value, Approve | Deny | Later):
        return value
    raise TypeError(f"a decision is Approve(), Deny() or Later(), not {value!r:.80}")


def decisions_about(
    waiting: Sequence[PendingCall], decisions: Decisions
) -> list[tuple[PendingCall, Decision]]:
    """
    Which call is decided how: all alike, or by `PendingCall.key`.  Calls that are not named are for
    later.

    Raises:
        TypeError: something is no decision.
        ValueError: no pending call has that key.
    """
    if not isinstance(decisions, Mapping):
        return [(each, decided(decisions)) for each in waiting]
    named = {each.key: each for each in waiting}
    if unknown := [each for each in decisions if each not in named]:
        known = ", ".join(named) or "none"
        raise ValueError(f"no call {unknown[0]!r} is pending; there are: {known}")
    return [(named[name], decided(each)) for name, each in decisions.items()]


def denied(decision: Deny) -> dict[str, Any]:
    """
    What the model is told of a no.
    """
    reason = f": {decision.reason[:500]}" if decision.reason else ""
    return {
        "ok": False,
        "error": "approval_denied",
        "message": f"A person said no to this call{reason}; nothing ran.",
        "retryable": False,
        "hint": "Do not call it again; ask the user what to do instead.",
    }
