"""
The steps of a conversation: every decision, and no network.

Theory of operation.  A step asks the model once and answers all that it called.  Before each, the
budget is checked; after the model has spoken, it is checked again, so that nothing is executed
whose result no model would read.  So nothing begins while the model still speaks, either: tokens
and cost are known with the end of the response, and so is whether it was refused.  A turn that is
not executed is answered with why, so the history stays one that the provider takes, and the
conversation can go on with the next message.

These are generators of commands: see `commands`.  An error of a command is thrown into them, and
leaves them again once the history is in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.turns import Stop
from toolcell_client.loops.calling import abandoned, calling, declined
from toolcell_client.loops.commands import AskModel, FindTools, ListTools
from toolcell_client.loops.entries import Ended
from toolcell_client.loops.offering import known, offered, request
from toolcell_client.loops.reply import Reply
from toolcell_client.loops.selection import QUERY_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Generator

    from toolcell_client.formats.turns import ModelTurn
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.dialogue import Dialogue

    Steps = Generator[Command, Any, Reply]

USED_UP = "the conversation's budget of {} is used up"
REPEATED = "the same call has failed too often"
PENDING = "pending"
REPEATING = "repeating"


def saying(talk: Dialogue, text: str, *, again: bool = False) -> Steps:
    """
    The user says something.
    """
    talk.begin(text)
    talk.start()
    try:
        talk.listed = yield ListTools()
        select, query = talk.settings.select, text.strip()[:QUERY_CHARACTERS]
        if select is not None and query:
            talk.fitting = tuple((yield FindTools(query, select.maximum)))
        abandoned(talk)
        talk.said(text, again=again)
        return (yield from stepping(talk))
    finally:
        talk.stop()


def going_on(talk: Dialogue) -> Steps:
    """
    Go on where the history ends.
    """
    talk.start()
    try:
        yield from listing(talk)
        return (yield from stepping(talk))
    finally:
        talk.stop()


def listing(talk: Dialogue) -> Generator[Command, Any, None]:
    """
    Learn which tools there are, if a conversation that was restored does not know.
    """
    if not talk.listed.tools:
        talk.listed = yield ListTools()


def retrying(talk: Dialogue) -> Steps:
    """
    Go on after the provider has failed, or the program was interrupted.

    Raises:
        ValueError: nothing has failed.
    """
    if not talk.unfinished or talk.open is not None:
        raise ValueError("there is nothing to retry: the last message was answered, or waits")
    return going_on(talk) if talk.unsent is None else saying(talk, talk.unsent, again=True)


def stepping(talk: Dialogue, ending: str = "") -> Steps:
    """
    Step by step to an ending, unless there is one already.
    """
    while not ending:
        ending = yield from _step(talk)
    talk.unfinished = False
    talk.record(Ended(stop_reason=ending, steps=talk.steps))
    waiting = talk.open.waiting if talk.open is not None else {}
    return Reply(
        text=talk.last_text(),
        stop_reason=ending,
        turns=tuple(talk.turns),
        usage=talk.message_usage,
        pending=tuple(waiting[place] for place in sorted(waiting)),
        extracted=tuple(talk.extracted),
    )


def _step(talk: Dialogue) -> Generator[Command, Any, str]:
    budget, clock = talk.settings.budget, talk.settings.clock
    if used := budget.used_up(talk.steps, talk.seconds, talk.usage):
        return f"budget({used})"
    concluding = _concluding(talk)
    toolset, began = offered(talk), clock()
    fields = request(talk, toolset, "none" if concluding else "auto")
    try:
        wire = yield AskModel(fields, budget.timeout(talk.seconds, None))
    except BaseException as exc:
        talk.failed(exc)
        raise
    everything = known(talk, toolset)
    turn = talk.took(wire, everything, toolset.tools, clock() - began)
    if not turn.calls:
        talk.enter(turn, ())
        return concluding or _ending(turn)
    ending, why = _not_executed(talk, turn, concluding)
    if ending:
        declined(talk, turn, why)
        return ending
    waits = yield from calling(talk, turn, everything, tuple(toolset.tools))
    if waits:
        return PENDING
    return REPEATING if talk.repeating.too_often and not talk.settings.conclude else ""


def _concluding(talk: Dialogue) -> str:
    """
    The ending that this step is for, if the model may only speak in it.
    """
    if not talk.settings.conclude or not talk.steps:
        return ""
    if talk.repeating.too_often:
        return REPEATING
    return "budget(steps)" if talk.settings.budget.last_step(talk.steps) else ""


def _not_executed(talk: Dialogue, turn: ModelTurn, concluding: str) -> tuple[str, str]:
    """
    How this ends without executing the calls, and why, for the model; "" if they are executed.
    """
    if concluding:
        part = concluding.removeprefix("budget(").removesuffix(")")
        return concluding, REPEATED if concluding == REPEATING else USED_UP.format(part)
    if turn.stop in (Stop.REFUSED, Stop.CANCELLED):
        return str(turn.stop), f"the response was {turn.stop}"
    used = talk.settings.budget.used_up(talk.steps, talk.seconds, talk.usage)
    return (f"budget({used})", USED_UP.format(used)) if used else ("", "")


def _ending(turn: ModelTurn) -> str:
    """
    How a turn without calls ends the reply; "": the model wants to be asked again.
    """
    if turn.stop is Stop.PAUSED:
        return ""
    return str(Stop.UNKNOWN if turn.stop is Stop.CALLS else turn.stop)
