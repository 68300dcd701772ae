"""
Carries out what the steps of a conversation ask for, within an event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.providers import format_of
from toolcell_client.loops.async_streaming import AsyncTurning, AsyncTurnStream
from toolcell_client.loops.commands import AskModel, Execute, FindTools, ListTools, Resume
from toolcell_client.loops.events import TextDelta
from toolcell_client.loops.models import comes_whole
from toolcell_client.loops.performing import TOO_LATE, check_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.conversing import Settings
    from toolcell_client.loops.models import Model
    from toolcell_client.loops.reply import ConversationEvent


@dataclass(frozen=True, slots=True)
class Came:
    """
    What came of a command, behind its events.
    """

    value: Any


class AsyncPerformer:
    """
    Has the client and the model of a conversation.  `performed` carries out a command at once,
    `performing` also hands out what happens meanwhile, and at last what `Came`.
    """

    def __init__(self, client: AsyncClient, model: Model, settings: Settings) -> None:
        self._client, self._model, self._settings = client, model, settings

    async def performed(self, command: Command) -> Any:
        match command:
            case ListTools():
                return await self._listed()
            case FindTools():
                session = self._settings.session_id
                found = await self._client.search_tools(
                    command.query, max_results=command.most, session_id=session
                )
                return [each.tool.name for each in found.tools]
            case AskModel():
                response = self._model.ask(dict(command.fields), command.seconds)
                async with _within(command.seconds):
                    return format_of(self._model.provider).turn(await _awaited(response))
            case Execute() | Resume():
                return await self._turn(command).until_ended()

    async def performing(self, command: Command) -> AsyncGenerator[ConversationEvent | Came, None]:
        if isinstance(command, AskModel):
            async with contextlib.aclosing(self._listening(command)) as heard:
                async for event in heard:
                    yield event
        elif isinstance(command, Execute | Resume):
            async with self._turn(command) as stream:
                async for event in stream:
                    yield event
                yield Came(stream.result)
        else:
            yield Came(await self.performed(command))

    async def _listening(self, command: AskModel) -> AsyncGenerator[ConversationEvent | Came, None]:
        told = format_of(self._model.provider)
        response = self._model.stream(dict(command.fields), command.seconds)
        clock, seconds = self._settings.clock, command.seconds
        began = clock()
        async with _within(seconds):
            response = await _awaited(response)
        if comes_whole(response):
            wire = told.turn(response)
            if wire.text:
                yield TextDelta(wire.text)
            yield Came(wire)
            return
        accumulator = told.accumulator()
        async with _closing(response):
            async for event in _each(response, seconds):
                check_time(clock() - began, seconds)
                for piece in accumulator.add(event):
                    if isinstance(piece, str):
                        yield TextDelta(piece)
        yield Came(accumulator.turn())

    def _turn(self, command: Execute | Resume) -> AsyncTurnStream:
        turning = AsyncTurning(self._client, command.state)
        if isinstance(command, Resume):
            return AsyncTurnStream(turning.resumed(command.decisions))
        return AsyncTurnStream(turning.whole(command.wire))

    async def _listed(self) -> Toolset:
        if self._settings.toolset is not None:
            return self._settings.toolset
        return await self._client.toolset(
            *self._settings.names, session_id=self._settings.session_id
        )


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _each(response: Any, seconds: float | None) -> AsyncIterator[Any]:
    if not hasattr(response, "__aiter__"):
        for event in response:
            yield event
        return
    events = aiter(response)
    while True:
        async with _within(seconds):
            event = await anext(events, events)
        if event is events:
            return
        yield event


@contextlib.asynccontextmanager
async def _within(seconds: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as timer:
            yield
    except TimeoutError:
        if seconds is not None and timer.expired():
            raise TimeoutError(TOO_LATE.format(seconds)) from None
        raise


@contextlib.asynccontextmanager
async def _closing(response: Any) -> AsyncIterator[None]:
    try:
        yield
    finally:
        close = getattr(response, "close", None) or getattr(response, "aclose", None)
        if close is not None:
            await _awaited(close())
