"""
Asks for a yes: of the user, or of somebody else.

Theory of operation.  Two things lead to a question: the tool is destructive (asked here, before the
server hears of the call), or the server refuses with `APPROVAL_REQUIRED`.  The question is the next
thing that is said: the response after the outputs is made by us, says the sentence word for word,
and may call nothing.  `confirmations.py` judges the answer.

If the server asks for a `confirm` of a call that the user has just said yes to, here, that yes is
passed on once: it was given for this tool, this version and these arguments, and the server checks
that they are the same.  `approve` is never ours to give.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolcell_client.formats import OfferedTool
from toolcell_client.formats.arguments import MalformedArguments, read_arguments
from toolcell_client.voice import answers
from toolcell_client.voice.awaiting import Awaiting
from toolcell_client.voice.confirmations import Asked, Confirmations
from toolcell_client.voice.deeds import Execute
from toolcell_client.voice.read_back import sentence, was_said
from toolcell_client.voice.room import MOST_ITEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats import RawCall
    from toolcell_client.voice.awaiting import Required
    from toolcell_client.voice.calls import Calls, Running
    from toolcell_client.voice.room import Room


MOST_WAITING = 8  # arbitrary; each is judged again with every event


@dataclass(slots=True)
class Waiting:
    """
    A `confirm_call` whose transcript has not come yet.
    """

    response_id: str
    call_id: str
    asked: Mapping[str, Any]
    place: int
    until: float


class Asking:
    """
    The open question, and calls that wait for a decision.
    """

    def __init__(self, room: Room, calls: Calls, confirmations: Confirmations) -> None:
        self._room, self._calls = room, calls
        self.confirmations = confirmations
        self.waiting: list[Waiting] = []
        self.said: list[int] = []  # places at which the model said something that is no question
        self.awaiting = Awaiting(room)
        self._reading = ""  # the response that reads the question out
        self._asked_by = ""
        self._playing = ""

    def ask(
        self,
        response_id: str,
        call_id: str,
        tool: str,
        arguments: dict[str, Any],
        now: float,
        *,
        token: str = "",
    ) -> None:
        """
        Answer a call with a question, which is read out next.
        """
        room = self._room
        gone = OfferedTool(name=tool, parameters={}, effects="destructive")
        offered = room.toolset.tools.get(tool, gone)
        opened = self.confirmations.open
        if opened is not None and self._asked_by == response_id:
            detail = "One question at a time; nothing ran. Call it again when this is answered."
            room.answer(response_id, call_id, answers.not_executed("one_at_a_time", detail))
            return
        text = sentence(offered, arguments, room.options.words)
        if text is None:
            detail = (
                "It is too long to be read out, so it cannot be confirmed by voice; nothing ran."
            )
            room.answer(response_id, call_id, answers.not_executed("too_long_to_confirm", detail))
            return
        question = self.confirmations.ask(
            tool, offered.version, arguments, text, token=token, now=now
        )
        self._asked_by = response_id
        output = answers.asked(question, question.expires - now)
        room.answer(response_id, call_id, output, read_back=question.sentence)

    def confirm(self, response_id: str, raw: RawCall, now: float) -> None:
        """
        The model says that the user said yes.
        """
        try:
            arguments = read_arguments(raw.arguments)
        except MalformedArguments as exc:
            output = answers.not_executed("malformed", str(exc))
            self._room.answer(response_id, raw.call_id, output)
            return
        if len(self.waiting) >= MOST_WAITING:
            self._room.answer(response_id, raw.call_id, answers.not_confirmed("wait"))
            return
        place = self._room.response(response_id).began
        until = now + self._room.options.transcript_seconds
        asked = {key: str(arguments.get(key, "")) for key in ("confirmation_id", "phrase")}
        self.waiting.append(Waiting(response_id, raw.call_id, asked, place, until))
        self.judge(now)

    def forget(self) -> None:
        """
        The conversation in which it was asked is gone.
        """
        self.confirmations.close("closed")
        self.waiting.clear()

    def judge(self, now: float) -> None:
        """
        Decide about every `confirm_call` that can be decided.
        """
        undecided, self.waiting = self.waiting, []
        for each in undecided:
            self._judge(each, now)

    def read_out_by(self, response_id: str) -> None:
        """
        A response of ours that reads the question out has begun.
        """
        self._reading = response_id

    def response_done(
        self, response_id: str, status: str, text: str, items: frozenset[str]
    ) -> None:
        """
        A response has ended; it may have been the question.
        """
        question = self.confirmations.open
        if response_id != self._reading or question is None:
            if text:  # from its beginning on: a yes may interrupt it
                self.said = [*self.said[-63:], self._room.response(response_id).began]
            return
        no = self._room.options.words.no
        said = was_said(question.sentence, question.arguments_json, text, no)
        if status == "completed" and said and len(items) < MOST_ITEMS:
            question.items = items
            question.spoken = 0 if self._playing == response_id else self._room.place

    def plays(self, response_id: str) -> None:
        """
        The server plays a response to the user; a question counts from the end of that.
        """
        self._playing = response_id
        question = self.confirmations.open
        if question is not None and response_id == self._reading:
            question.spoken = 0

    def played(self, response_id: str, *, whole: bool) -> None:
        """
        It has come to its end, or was cut off.
        """
        question = self.confirmations.open
        if question is not None and response_id == self._reading and question.items:
            question.spoken = self._room.place if whole else 0
        self._playing = ""

    def not_heard(self, item_id: str) -> None:
        """
        An item of the model was cut off at the user's ear.
        """
        question = self.confirmations.open
        if question is not None and item_id in question.items:
            question.spoken, question.items = 0, frozenset()

    def approval_needed(self, running: Running, required: Required, now: float) -> None:
        """
        The server wants a yes for a call that was to run.
        """
        deed = running.deed
        if required.kind == "confirm" and deed.confirmed and not deed.token:
            again = replace(deed, token=required.token)
            self._calls.begin(again, running.response_id, running.call_id, now)
        elif required.kind == "confirm":
            arguments = dict(deed.arguments)
            self.ask(
                running.response_id,
                running.call_id,
                deed.tool,
                arguments,
                now,
                token=required.token,
            )
        else:
            self.awaiting.begin(running, required)

    def _judge(self, each: Waiting, now: float) -> None:
        room = self._room
        asked = Asked(
            confirmation_id=each.asked["confirmation_id"],
            phrase=each.asked["phrase"],
            place=each.place,
            turns=room.turns.after(0),
            said=self.said,
        )
        verdict = self.confirmations.judge(asked, now)
        if verdict.reason == "wait" and now < each.until:
            self.waiting.append(each)
        elif verdict.reason == "confirmed" and verdict.question is not None:
            question = verdict.question
            deed = Execute(
                key=each.call_id,
                tool=question.tool,
                version=question.version,
                arguments=json.loads(question.arguments_json),
                token=question.token,
                pin=verdict.pin,
                confirmed=True,
                offered=self._room.toolset.tools.get(question.tool),
            )
            self._calls.begin(deed, each.response_id, each.call_id, now)
        else:
            again = verdict.question.sentence if verdict.ask_again and verdict.question else ""
            if again and verdict.question is not None:
                verdict.question.spoken = 0
            output = answers.not_confirmed(verdict.reason)
            room.answer(each.response_id, each.call_id, output, read_back=again)
