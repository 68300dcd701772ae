"""
What happens until a conversation replies, as an asynchronous iterator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.loops.reply import Replied

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Self

    from toolcell_client.loops.reply import ConversationEvent, Reply

    Events = AsyncGenerator[ConversationEvent, None]


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
