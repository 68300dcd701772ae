"""
An execution that is known from the database alone: it ended, and its record is no longer in memory.

Theory of operation.  It is what a record would be whose journal had dropped its oldest events: who
asks for those is told which is the first that is kept, never served with a gap.

Of an execution that the server did not outlive nobody knows how many events its readers saw.  Its
ending is therefore numbered for each reader anew: the event after the last that the reader has.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.refusals import EventsExpired

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_MAXIMUM_SEQUENCE: Final = 2**64 - 1


@dataclass(frozen=True, kw_only=True)
class Bygone:
    """
    One such execution.  `events` are the last of its events, serialized, without gaps, `finished`
    among them; `answer` holds what `Run` tells beside the ending.  `interrupted`: the server died
    over it.
    """

    number: int
    summary: pb.Execution
    events: Sequence[bytes]
    answer: pb.RunResponse
    interrupted: bool = False

    @property
    def execution_id(self) -> str:
        return self.summary.execution_id

    @property
    def call_id(self) -> str:
        return self.summary.call_id

    @property
    def tool(self) -> str:
        return self.summary.tool

    @property
    def principal(self) -> str:
        return self.summary.principal

    @property
    def state(self) -> pb.ExecutionState.ValueType:
        return self.summary.state

    @property
    def has_ended(self) -> bool:
        return True

    @property
    def tails(self) -> Ends:
        answer = self.answer
        return Ends(answer.stdout_tail, answer.stderr_tail, answer.denials)

    @property
    def attachments(self) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext()

    def reader(self, after_sequence: int = 0) -> Replay:
        return Replay(self, after_sequence)

    async def ending(self) -> pb.Finished:
        return self.last_event.finished

    async def cancel(self) -> None:
        """
        It has ended.
        """

    def to_proto(self) -> pb.Execution:
        return self.summary

    @cached_property
    def last_event(self) -> pb.ExecuteResponse:
        return pb.ExecuteResponse.FromString(self.events[-1])


class Ends(NamedTuple):
    """
    The ends of its output, and its first denials.
    """

    stdout: bytes
    stderr: bytes
    denials: Sequence[pb.Denied]


class Replay(contextlib.AbstractContextManager["AsyncIterator[bytes]"]):
    """
    Its events after one sequence, for one reader.
    """

    def __init__(self, bygone: Bygone, after_sequence: int) -> None:
        self._bygone = bygone
        self._after = after_sequence
        self.at_end = False

    def __enter__(self) -> AsyncIterator[bytes]:
        """
        Raises:
            EventsExpired: the first event asked for is no longer kept.
        """
        summary = self._bygone.summary
        if self._after + 1 < summary.earliest_sequence:
            raise EventsExpired(summary.execution_id, summary.earliest_sequence)
        return self._events()

    def __exit__(self, *_: object) -> None:
        """
        Nothing is held.
        """

    async def _events(self) -> AsyncIterator[bytes]:
        first = self._bygone.summary.earliest_sequence
        events = self._bygone.events[self._after + 1 - first :]
        if not events and self._bygone.interrupted and self._after < _MAXIMUM_SEQUENCE:
            events = [self._renumbered()]
        for number, data in enumerate(events, 1):
            self.at_end = number == len(events)
            yield data

    def _renumbered(self) -> bytes:
        event = pb.ExecuteResponse()
        event.CopyFrom(self._bygone.last_event)
        event.sequence = self._after + 1
        return event.SerializeToString()
