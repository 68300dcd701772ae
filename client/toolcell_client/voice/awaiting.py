"""
Calls that somebody else has to say yes to.

Theory of operation.  The call is answered at once, because nobody keeps a conversation open for an
hour.  When it is decided, the decision is told as a call and a result of its own: a yes runs the
call as it was asked for, and its result is told; a no is told with its reason.  The user's voice
does not interrupt it: another person has agreed to it, and this user has gone on to something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from toolcell_client.voice import answers
from toolcell_client.voice.answers import Told
from toolcell_client.voice.deeds import AwaitDecision, Execute, Send
from toolcell_client.voice.outgoing import told_later

if TYPE_CHECKING:
    from toolcell_client.voice.calls import Running
    from toolcell_client.voice.room import Room

MOST_AWAITED = 32  # arbitrary; approvals of one session whose decision is awaited
ITEM_ID_CHARACTERS = 32  # of ids that we make for items; the provider takes no longer ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """
    What an `ApprovalRequired` says.
    """

    kind: str
    token: str = field(repr=False)
    approval_id: str


class Awaiting:
    """
    What waits, by key.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._waiting: dict[str, Execute] = {}
        self._count = 0

    def begin(self, running: Running, required: Required) -> None:
        """
        Answer a call, and wait for the decision.
        """
        if len(self._waiting) >= MOST_AWAITED:
            detail = "Too many calls wait for an approval already; nothing ran."
            output = answers.not_executed("too_many_approvals", detail)
            self._room.answer(running.response_id, running.call_id, output)
            return
        self._count += 1
        key = f"approved_{self._count}"
        self._waiting[key] = replace(running.deed, key=key, token=required.token)
        self._room.do(AwaitDecision(key, required.approval_id))
        output = answers.waits_for_somebody(required.approval_id, self._room.options.words)
        self._room.answer(running.response_id, running.call_id, output)

    def decided(self, key: str, reason: str, *, approved: bool) -> None:
        """
        Somebody else has decided.
        """
        deed = self._waiting.get(key)
        if deed is not None and approved:
            self._room.do(deed)
        elif deed is not None:
            self._tell(key, answers.denied(reason, self._room.options.words))

    def ended(self, key: str, told: Told) -> None:
        """
        A call that was approved has ended.
        """
        words = self._room.options.words
        message = {**told.message, "approval": words.approved}
        self._tell(key, answers.ended(Told(message, told.spoken), words))

    def _tell(self, key: str, output: str) -> None:
        deed = self._waiting.pop(key, None)
        if deed is None:
            return
        for event in told_later(key[-ITEM_ID_CHARACTERS:], deed.tool, deed.arguments, output):
            self._room.do(Send(event))
        self._room.sequencer.wish()
