"""
Goes on with calls that waited for a yes.  No network.

Theory of operation.  What waits in this program is resumed with the token of its question, as it
was asked.  A conversation that was saved and restored has no tokens: they are all that a second
call needs, so they are kept in no file.  Its calls are sent anew: the service asks again, and the
decision that was made meanwhile answers that question, if it is the same one: what a name means, or
what a schema makes of arguments, may be another thing by now, and nobody has said yes to that.
Where another principal has to say yes, the call waits again, for an approval of its own.  What was
denied is not sent at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.turns import Answer
from toolcell_client.loops.approving import Approve, Deny, Later, decided, denied
from toolcell_client.loops.calling import absorb, executing, interrupted, settled
from toolcell_client.loops.commands import Resume
from toolcell_client.loops.entries import ApprovalDecided
from toolcell_client.loops.steps import PENDING, listing, stepping

if TYPE_CHECKING:
    from collections.abc import Generator

    from toolcell_client.loops.approving import Ask, Decision, Decisions, Question
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.dialogue import Dialogue, OpenTurn
    from toolcell_client.loops.reply import Pending
    from toolcell_client.loops.steps import Steps


CHANGED = "The tools have changed since this call was made; nothing ran. Send it again if need be."


def resuming(talk: Dialogue, decisions: Decisions) -> Steps:
    """
    Somebody has decided about calls: one decision for all, or by `Pending.key`; calls that are not
    named go on waiting.

    Raises:
        ValueError: no call waits, or none of that key does.
        TypeError: something is no decision.
    """
    if talk.open is None:
        raise ValueError("no call waits for a decision")
    chosen = _chosen(talk.open, decisions)
    return _resuming(talk, talk.open, chosen)


def _resuming(talk: Dialogue, opened: OpenTurn, chosen: dict[int, Decision]) -> Steps:
    talk.start()
    try:
        yield from listing(talk)
        try:
            yield from _known(talk, opened, chosen)
            yield from _anew(talk, opened, chosen)
        except BaseException:
            interrupted(talk, opened)
            raise
        return (yield from stepping(talk, PENDING if settled(talk, opened) else ""))
    finally:
        talk.stop()


def _known(
    talk: Dialogue, opened: OpenTurn, chosen: dict[int, Decision]
) -> Generator[Command, Any, None]:
    """
    Those that were asked about in this program.
    """
    for state, places in list(opened.runs):
        decisions = []
        for each in state.result().pending:
            decision = chosen.pop(places[each.planned.place], Later())
            if not isinstance(decision, Later):
                decisions.append((each, decision))
                _record(talk, opened.waiting[places[each.planned.place]], decision)
        if decisions:
            absorb(talk, opened, (yield Resume(state, decisions)), places)


def _anew(
    talk: Dialogue, opened: OpenTurn, chosen: dict[int, Decision]
) -> Generator[Command, Any, None]:
    """
    Those that were asked about before this program began.
    """
    approved: dict[int, Decision] = {}
    for place, decision in chosen.items():
        waiting = opened.waiting[place]
        if isinstance(decision, Later):
            continue
        _record(talk, waiting, decision)
        told = denied(decision) if isinstance(decision, Deny) else _changed(talk, waiting)
        if told is None:
            approved[place] = decision
        else:
            del opened.waiting[place]
            opened.answers[place] = Answer(call=waiting.call, value=told, failed=True)
    if approved:
        approve = _approving(opened, approved)
        yield from executing(talk, opened, tuple(approved), talk.listed, approve)


def _changed(talk: Dialogue, waiting: Pending) -> dict[str, Any] | None:
    call = talk.listed.call(waiting.call.raw)
    if call.problem or (call.tool, call.arguments) == (waiting.call.tool, waiting.call.arguments):
        return None  # what has a problem is answered, and does not run
    return {"ok": False, "error": "changed", "message": CHANGED}


def _approving(opened: OpenTurn, approved: dict[int, Decision]) -> Ask:
    asked = {place: opened.waiting[place].question for place in approved}

    def approve(question: Question) -> Decision:
        for place, decision in approved.items():
            before = asked[place]
            if opened.turn.calls[place] == question.call and (
                before is None or before.summary == question.summary
            ):
                return decision
        return Later()

    return approve


def _chosen(opened: OpenTurn, decisions: Decisions) -> dict[int, Decision]:
    if not isinstance(decisions, Mapping):
        return dict.fromkeys(opened.waiting, decided(decisions))
    keys = {each.key: place for place, each in opened.waiting.items()}
    if unknown := sorted(set(decisions) - set(keys)):
        raise ValueError(f"no call waits as {unknown[0]!r}; these do: {', '.join(keys)}")
    return {keys[key]: decided(said) for key, said in decisions.items()}


def _record(talk: Dialogue, waiting: Pending, decision: Decision) -> None:
    approved = isinstance(decision, Approve)
    talk.record(ApprovalDecided(call_id=waiting.key, tool=waiting.call.tool, approved=approved))
