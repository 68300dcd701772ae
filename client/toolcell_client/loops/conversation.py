"""
A conversation of many turns with a model that calls tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.loops import deciding, steps
from toolcell_client.loops.conversed import Conversed
from toolcell_client.loops.performing import Performer
from toolcell_client.loops.reply import Replied
from toolcell_client.loops.reply_stream import ConversationStream

if TYPE_CHECKING:
    from collections.abc import Generator

    from toolcell_client.loops.approving import Decisions
    from toolcell_client.loops.reply import ConversationEvent, Reply
    from toolcell_client.loops.steps import Steps

    Events = Generator[ConversationEvent, None, None]


class Conversation(Conversed):
    """
    Takes a client, a model (a client of a provider's SDK, or a callable: see `models`), and
    `ConversationOptions`.  For one thread at a time.

    Errors of the provider's SDK pass through; the history is in order then, and `retry` goes on.

    Raises:
        TypeError, ValueError: the model or an option cannot be used; says which, and why.
    """

    _asynchronous = False
    _performer: Performer
    _performer_type = Performer

    def say(self, text: str) -> Reply:
        """
        Say something, and return the answer once the model has ended or cannot go on.  Calls that
        still wait for a yes are answered with that the user went on.

        Raises:
            CallRefused, ServerUnreachable: the service does not list its tools; nothing was said.
        """
        return self._carry(steps.saying(self.dialogue, text))

    def stream(self, text: str) -> ConversationStream:
        """
        The same as an iterator: pieces of text, events of executions, answers, and at last
        `Replied`.  To close it earlier cancels what runs; `retry` goes on.
        """
        return ConversationStream(self._streamed(steps.saying(self.dialogue, text)))

    def resume(self, decisions: Decisions) -> Reply:
        """
        Go on with calls that wait: `True`, `False`, `Approve(…)`, `Deny(…)` for all of them, or a
        mapping of those by `Pending.key`.

        Raises:
            ValueError: no call waits, or none of that key.
            TypeError: something is no decision.
        """
        return self._carry(deciding.resuming(self.dialogue, decisions))

    def stream_resume(self, decisions: Decisions) -> ConversationStream:
        """
        The same as an iterator of events.
        """
        return ConversationStream(self._streamed(deciding.resuming(self.dialogue, decisions)))

    def retry(self) -> Reply:
        """
        Go on after an error of the provider, or an interruption.

        Raises:
            ValueError: the last message was answered.
        """
        return self._carry(steps.retrying(self.dialogue))

    def stream_retry(self) -> ConversationStream:
        """
        The same as an iterator of events.
        """
        return ConversationStream(self._streamed(steps.retrying(self.dialogue)))

    def _carry(self, asked: Steps) -> Reply:
        with self._alone():
            try:
                command = next(asked)
                while True:
                    try:
                        came: Any = self._performer.performed(command)
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                reply: Reply = over.value
                return reply

    def _streamed(self, asked: Steps) -> Events:
        with self._alone():
            try:
                command = next(asked)
                while True:
                    try:
                        came: Any = yield from self._performer.performing(command)
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                yield Replied(over.value)
