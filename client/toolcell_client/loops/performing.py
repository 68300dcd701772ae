"""
Carries out what the steps of a conversation ask for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.providers import format_of
from toolcell_client.loops.commands import AskModel, Execute, FindTools, ListTools, Resume
from toolcell_client.loops.events import TextDelta
from toolcell_client.loops.models import comes_whole
from toolcell_client.loops.streaming import Turning, TurnStream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from toolcell_client.client import Client
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import WireTurn
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.conversing import Settings
    from toolcell_client.loops.models import Model
    from toolcell_client.loops.reply import ConversationEvent
    from toolcell_client.loops.turn_result import TurnResult


TOO_LATE = "the model has not ended within {:g} s, which the budget had left"


class Performer:
    """
    Has the client and the model of a conversation.  `performed` carries out a command at once,
    `performing` also hands out what happens meanwhile.
    """

    def __init__(self, client: Client, model: Model, settings: Settings) -> None:
        self._client, self._model, self._settings = client, model, settings

    def performed(self, command: Command) -> Any:
        match command:
            case ListTools():
                return self._listed()
            case FindTools():
                session = self._settings.session_id
                found = self._client.search_tools(
                    command.query, max_results=command.most, session_id=session
                )
                return [each.tool.name for each in found.tools]
            case AskModel():
                response = self._model.ask(dict(command.fields), command.seconds)
                return format_of(self._model.provider).turn(response)
            case Execute() | Resume():
                return self._turn(command).until_ended()

    def performing(self, command: Command) -> Generator[ConversationEvent, None, Any]:
        if isinstance(command, AskModel):
            return (yield from self._listening(command))
        if isinstance(command, Execute | Resume):
            return (yield from self._executing(command))
        return self.performed(command)

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
        clock, seconds = self._settings.clock, command.seconds
        began = clock()
        with _closing(response):
            for event in response:
                check_time(clock() - began, seconds)
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
        if self._settings.toolset is not None:
            return self._settings.toolset
        return self._client.toolset(*self._settings.names, session_id=self._settings.session_id)


def check_time(taken: float, seconds: float | None) -> None:
    """
    The SDK bounds the time to each event, and a model that says little by little has many of them.

    Raises:
        TimeoutError: the model has taken longer.
    """
    if seconds is not None and taken > seconds:
        raise TimeoutError(TOO_LATE.format(seconds))


@contextlib.contextmanager
def _closing(response: Any) -> Iterator[None]:
    try:
        yield
    finally:
        close = getattr(response, "close", None)
        if close is not None:
            close()
