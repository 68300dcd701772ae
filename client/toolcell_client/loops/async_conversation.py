"""
A conversation of many turns with a model that calls tools, within an event loop.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from toolcell_client.loops import deciding, steps
from toolcell_client.loops.async_performing import AsyncPerformer, Came
from toolcell_client.loops.async_reply_stream import AsyncConversationStream
from toolcell_client.loops.conversed import Conversed
from toolcell_client.loops.reply import Replied

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from toolcell_client.loops.approving import Decisions
    from toolcell_client.loops.reply import ConversationEvent, Reply
    from toolcell_client.loops.steps import Steps

    Events = AsyncGenerator[ConversationEvent, None]


class AsyncConversation(Conversed):
    """
    Has the methods of `Conversation`, awaited.  The model is an asynchronous client of a provider's
    SDK, or a callable that returns a response, or something to await.  For one task at a time.
    """

    _asynchronous = True
    _performer: AsyncPerformer
    _performer_type = AsyncPerformer

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
                        came = await self._performer.performed(command)
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
                        async with contextlib.aclosing(
                            self._performer.performing(command)
                        ) as events:
                            async for event in events:
                                if isinstance(event, Came):
                                    came = event.value
                                else:
                                    yield event
                    except BaseException as exc:  # noqa: BLE001  # raised again, by the steps
                        command = asked.throw(exc)
                    else:
                        command = asked.send(came)
            except StopIteration as over:
                yield Replied(over.value)
