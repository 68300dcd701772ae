"""
A conversation of many turns with a model that calls tools.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.providers import format_of
from toolcell_client.loops import deciding, steps
from toolcell_client.loops.commands import AskModel, Execute, FindTools, ListTools, Resume
from toolcell_client.loops.conversed import Conversed
from toolcell_client.loops.events import TextDelta
from toolcell_client.loops.models import comes_whole
from toolcell_client.loops.reply import Replied
from toolcell_client.loops.streaming import Turning, TurnStream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Self

    from toolcell_client.client import Client
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import WireTurn
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.deciding import Decisions
    from toolcell_client.loops.reply import ConversationEvent, Reply
    from toolcell_client.loops.steps import Steps
    from toolcell_client.loops.turn_result import TurnResult

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
    _client: Client

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
                        came: Any = self._performed(command)
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
                        came: Any = yield from self._performing(command)
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                yield Replied(over.value)

    def _performed(self, command: Command) -> Any:
        match command:
            case ListTools():
                return self._listed()
            case FindTools():
                session = self._session_id
                found = self._client.search_tools(
                    command.query, max_results=command.most, session_id=session
                )
                return [each.tool.name for each in found.tools]
            case AskModel():
                response = self._model.ask(dict(command.fields), command.seconds)
                return format_of(self._model.provider).turn(response)
            case Execute() | Resume():
                return self._turn(command).until_ended()

    def _performing(self, command: Command) -> Generator[ConversationEvent, None, Any]:
        if isinstance(command, AskModel):
            return (yield from self._listening(command))
        if isinstance(command, Execute | Resume):
            return (yield from self._executing(command))
        return self._performed(command)

    def _executing(
        self, command: Execute | Resume
    ) -> Generator[ConversationEvent, None, TurnResult]:
        with self._turn(command) as stream:
            yield from stream
            return stream.result

    def _listening(self, command: AskModel) -> Generator[ConversationEvent, None, WireTurn]:
        told = format_of(self._model.provider)
        response = self._model.stream(dict(command.fields), command.seconds)
        if comes_whole(response):
            wire = told.turn(response)
            if wire.text:
                yield TextDelta(wire.text)
            return wire
        accumulator = told.accumulator()
        with _closing(response):
            for event in response:
                for piece in accumulator.add(event):
                    if isinstance(piece, str):
                        yield TextDelta(piece)
        return accumulator.turn()

    def _turn(self, command: Execute | Resume) -> TurnStream:
        turning = Turning(self._client, command.state)
        if isinstance(command, Resume):
            return TurnStream(turning.resumed(command.decisions))
        return TurnStream(turning.whole(command.wire))

    def _listed(self) -> Toolset:
        if self._toolset is not None:
            return self._toolset
        return self._client.toolset(*self._names, session_id=self._session_id)


class ConversationStream:
    """
    Iterates what happens until the reply; `Replied` is the last.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._reply: Reply | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ConversationEvent:
        event = next(self._events)
        if isinstance(event, Replied):
            self._reply = event.reply
        return event

    @property
    def reply(self) -> Reply:
        """
        The reply; what is left of the stream is read first.

        Raises:
            ValueError: the stream was closed before its end.
        """
        for _ in self:
            pass
        if self._reply is None:
            raise ValueError("the stream was closed before there was a reply")
        return self._reply

    def close(self) -> None:
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def _closing(response: Any) -> Iterator[None]:
    try:
        yield
    finally:
        close = getattr(response, "close", None)
        if close is not None:
            close()
