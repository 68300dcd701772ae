"""
What happens until a conversation replies, as an iterator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.loops.reply import Replied

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from toolcell_client.loops.reply import ConversationEvent, Reply

    Events = Generator[ConversationEvent, None, None]


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
