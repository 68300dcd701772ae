"""
A conversation of many turns with a model that calls tools, within an event loop.
"""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.providers import format_of
from toolcell_client.loops import deciding, steps
from toolcell_client.loops.async_streaming import AsyncTurning, AsyncTurnStream
from toolcell_client.loops.commands import AskModel, Execute, FindTools, ListTools, Resume
from toolcell_client.loops.conversed import Conversed
from toolcell_client.loops.events import TextDelta
from toolcell_client.loops.models import comes_whole
from toolcell_client.loops.reply import Replied

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from typing import Self

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.deciding import Decisions
    from toolcell_client.loops.reply import ConversationEvent, Reply
    from toolcell_client.loops.steps import Steps

    Events = AsyncGenerator[ConversationEvent, None]


@dataclass(frozen=True, slots=True)
class _Came:
    """
    What came of a command, behind its events.
    """

    value: Any


class AsyncConversation(Conversed):
    """
    Has the methods of `Conversation`, awaited.  The model is an asynchronous client of a provider's
    SDK, or a callable that returns a response, or something to await.  For one task at a time.
    """

    _asynchronous = True
    _client: AsyncClient

    async def say(self, text: str) -> Reply:
        """
        Say something, and return the answer: see `Conversation.say`.
        """
        return await self._carry(steps.saying(self.dialogue, text))

    def stream(self, text: str) -> AsyncConversationStream:
        """
        The same as an iterator; `Replied` is the last.
        """
        return AsyncConversationStream(self._streamed(steps.saying(self.dialogue, text)))

    async def resume(self, decisions: Decisions) -> Reply:
        """
        Go on with calls that wait: see `Conversation.resume`.
        """
        return await self._carry(deciding.resuming(self.dialogue, decisions))

    def stream_resume(self, decisions: Decisions) -> AsyncConversationStream:
        """
        The same as an iterator of events.
        """
        return AsyncConversationStream(self._streamed(deciding.resuming(self.dialogue, decisions)))

    async def retry(self) -> Reply:
        """
        Go on after an error of the provider, or an interruption.

        Raises:
            ValueError: the last message was answered.
        """
        return await self._carry(steps.retrying(self.dialogue))

    def stream_retry(self) -> AsyncConversationStream:
        """
        The same as an iterator of events.
        """
        return AsyncConversationStream(self._streamed(steps.retrying(self.dialogue)))

    async def _carry(self, asked: Steps) -> Reply:
        with self._alone():
            try:
                command = next(asked)
                while True:
                    try:
                        came = await self._performed(command)
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                reply: Reply = over.value
                return reply

    async def _streamed(self, asked: Steps) -> Events:
        with self._alone():
            try:
                command = next(asked)
                while True:
                    came: Any = None
                    try:
                        async with contextlib.aclosing(self._performing(command)) as events:
                            async for event in events:
                                if isinstance(event, _Came):
                                    came = event.value
                                else:
                                    yield event
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                yield Replied(over.value)

    async def _performed(self, command: Command) -> Any:
        match command:
            case ListTools():
                return await self._listed()
            case FindTools():
                session = self._session_id
                found = await self._client.search_tools(
                    command.query, max_results=command.most, session_id=session
                )
                return [each.tool.name for each in found.tools]
            case AskModel():
                response = self._model.ask(dict(command.fields), command.seconds)
                return format_of(self._model.provider).turn(await _awaited(response))
            case Execute() | Resume():
                return await self._turn(command).until_ended()

    async def _performing(
        self, command: Command
    ) -> AsyncGenerator[ConversationEvent | _Came, None]:
        if isinstance(command, AskModel):
            async with contextlib.aclosing(self._listening(command)) as heard:
                async for event in heard:
                    yield event
        elif isinstance(command, Execute | Resume):
            async with self._turn(command) as stream:
                async for event in stream:
                    yield event
                yield _Came(stream.result)
        else:
            yield _Came(await self._performed(command))

    async def _listening(
        self, command: AskModel
    ) -> AsyncGenerator[ConversationEvent | _Came, None]:
        told = format_of(self._model.provider)
        response = self._model.stream(dict(command.fields), command.seconds)
        response = await _awaited(response)
        if comes_whole(response):
            wire = told.turn(response)
            if wire.text:
                yield TextDelta(wire.text)
            yield _Came(wire)
            return
        accumulator = told.accumulator()
        async with _closing(response):
            async for event in _each(response):
                for piece in accumulator.add(event):
                    if isinstance(piece, str):
                        yield TextDelta(piece)
        yield _Came(accumulator.turn())

    def _turn(self, command: Execute | Resume) -> AsyncTurnStream:
        turning = AsyncTurning(self._client, command.state)
        if isinstance(command, Resume):
            return AsyncTurnStream(turning.resumed(command.decisions))
        return AsyncTurnStream(turning.whole(command.wire))

    async def _listed(self) -> Toolset:
        if self._toolset is not None:
            return self._toolset
        return await self._client.toolset(*self._names, session_id=self._session_id)


class AsyncConversationStream:
    """
    Iterates what happens until the reply; `Replied` is the last.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._reply: Reply | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ConversationEvent:
        event = await anext(self._events)
        if isinstance(event, Replied):
            self._reply = event.reply
        return event

    async def reply(self) -> Reply:
        """
        The reply; what is left of the stream is read first.

        Raises:
            ValueError: the stream was closed before its end.
        """
        async for _ in self:
            pass
        if self._reply is None:
            raise ValueError("the stream was closed before there was a reply")
        return self._reply

    async def aclose(self) -> None:
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _each(response: Any) -> AsyncIterator[Any]:
    if hasattr(response, "__aiter__"):
        async for event in response:
            yield event
    else:
        for event in response:
            yield event


@contextlib.asynccontextmanager
async def _closing(response: Any) -> AsyncIterator[None]:
    try:
        yield
    finally:
        close = getattr(response, "close", None) or getattr(response, "aclose", None)
        if close is not None:
            await _awaited(close())
