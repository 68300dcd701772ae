"""
What the service asks of an execution that it knows, whether it runs, has ended, or ended before the
server was restarted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell.v1 import execution_pb2 as pb


class Following(AbstractContextManager[AsyncIterator[bytes]], Protocol):
    """
    The events of one execution, serialized, as one reader takes them.  Entering it raises
    `EventsExpired` if the first event asked for is no longer kept.
    """

    @property
    def at_end(self) -> bool:
        """
        Whether the event taken last is the ending.
        """
        ...


class Ends(Protocol):
    """
    The ends of an execution's output, and its first denials.
    """

    @property
    def stdout(self) -> bytes: ...

    @property
    def stderr(self) -> bytes: ...

    @property
    def denials(self) -> Sequence[pb.Denied]: ...


class Known(Protocol):
    """
    One execution.  `number` orders all of them by acceptance, over restarts, too.
    """

    @property
    def number(self) -> int: ...

    @property
    def execution_id(self) -> str: ...

    @property
    def call_id(self) -> str: ...

    @property
    def tool(self) -> str: ...

    @property
    def principal(self) -> str: ...

    @property
    def state(self) -> pb.ExecutionState.ValueType: ...

    @property
    def has_ended(self) -> bool: ...

    @property
    def tails(self) -> Ends: ...

    @property
    def attachments(self) -> AbstractContextManager[object]:
        """
        Entered by each of its callers while they are there.
        """
        ...

    def reader(self, after_sequence: int = 0) -> Following:
        """
        Follow the events with a greater sequence, to the end.
        """
        ...

    async def ending(self) -> pb.Finished:
        """
        Wait until it has ended, and tell how.
        """
        ...

    async def cancel(self) -> None:
        """
        End it, and wait until it has ended.  Ended already: at once.
        """
        ...

    def to_proto(self) -> pb.Execution:
        """
        What is known of it.
        """
        ...
