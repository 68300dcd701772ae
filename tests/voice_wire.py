"""
Two ends of a voice session for tests: a wire of plain events, and a model that is talked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from realtime_events import CLIENT_EVENTS, strictly
from toolcell_client.testing.providers import Says
from toolcell_client.voice.outgoing import WORD_FOR_WORD
from waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_client.testing.providers import Turn, View
    from toolcell_client.voice import VoiceSession


class Wire:
    """
    `(wire.receive, wire.send)` is a connection; what was sent is checked against the SDK's types.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()

    async def receive(self) -> Any:
        return await self._incoming.get()

    async def send(self, event: dict[str, Any]) -> None:
        strictly(CLIENT_EVENTS, event)
        self.sent.append(event)

    def feed(self, *events: Any) -> None:
        for each in events:
            self._incoming.put_nowait(each)

    @property
    def outputs(self) -> dict[str, Any]:
        """
        What calls were answered with.
        """
        items = [each["item"] for each in self.sent if each["type"] == "conversation.item.create"]
        return {
            each["call_id"]: json.loads(each["output"])
            for each in items
            if each["type"] == "function_call_output"
        }

    def count(self, kind: str) -> int:
        return sum(each["type"] == kind for each in self.sent)

    async def answered(self, call_id: str) -> Any:
        """
        What a call was answered with, once it was.
        """
        await until(lambda: call_id in self.outputs)
        return self.outputs[call_id]


@contextlib.asynccontextmanager
async def served(voice: VoiceSession, connection: Any) -> AsyncIterator[None]:
    """
    A session that is served while entered; what it raises is raised.
    """
    task = asyncio.create_task(voice.serve(connection))
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Speaker:
    """
    A model that says word for word what it has to, and else plays its steps.
    """

    def __init__(self) -> None:
        self.steps: deque[Turn] = deque()
        self.said: list[str] = []

    def __call__(self, view: View) -> Turn:
        if view.instructions.startswith(WORD_FOR_WORD):
            line = json.loads(view.instructions.removeprefix(WORD_FOR_WORD))
            self.said.append(line)
            return Says(line)
        turn = self.steps.popleft() if self.steps else Says("Hm.")
        self.said.append(turn.text)
        return turn
