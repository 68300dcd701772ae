"""
What the server knows of one execution, from its acceptance until it is forgotten.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.attachments import Attachments
from toolcell_server.journal import Journal, Reader
from toolcell_server.results import endings
from toolcell_server.tails import Tails

if TYPE_CHECKING:
    from toolcell_server.execution import Execution


class Record:
    """
    The state of one execution, kept by looking at each event on its way into the journal.

    `number` orders records by acceptance.  `ended` is set once `finished` is in the journal.  The
    record does not hold the execution itself: arguments and descriptors go when the run ends.
    `asked` is the tool as the caller named it.
    """

    def __init__(
        self, execution: Execution, number: int, *, journal_bytes: int, grace_seconds: float
    ) -> None:
        self.number = number
        self.stop = stop = execution.stop
        self.journal = Journal(execution.execution_id, execution.call_id, journal_bytes)
        self.tails = Tails()
        self.ended = asyncio.Event()
        self.touched = time.monotonic()  # when the last event happened
        self.attachments = Attachments(
            None if execution.detached else grace_seconds,
            lambda: stop.request(pb.CANCEL_REASON_STREAM_LOST),
        )
        self.state: pb.ExecutionState.ValueType = pb.EXECUTION_STATE_QUEUED
        self._usage: pb.Usage | None = None  # as last told
        self._summary = _summary(execution)
        self.asked = execution.asked or execution.tool.name
        if execution.detached:
            self.journal.release()

    @property
    def execution_id(self) -> str:
        return self.journal.execution_id

    @property
    def call_id(self) -> str:
        return self._summary.call_id

    @property
    def has_ended(self) -> bool:
        return self.journal.finished

    @property
    def tool(self) -> str:
        return self._summary.tool

    @property
    def principal(self) -> str:
        return self._summary.principal

    @property
    def request_id(self) -> str:
        return self._summary.request_id

    @property
    def kept_bytes(self) -> int:
        """
        The memory that this record costs, about.
        """
        return self.journal.kept_bytes + self.journal.ending_bytes + self.tails.kept_bytes

    def append(self, event: pb.ExecuteResponse) -> None:
        """
        Keep an event that is not the ending.
        """
        self.journal.append(event)
        self.touched = time.monotonic()
        self._note(event)

    def reader(self, after_sequence: int = 0) -> Reader:
        """
        Follow the events with a greater sequence, to the end.
        """
        return self.journal.reader(after_sequence)

    async def ending(self) -> pb.Finished:
        """
        Wait until it has ended, and tell how.
        """
        await self.ended.wait()
        return self.finished()

    async def cancel(self) -> None:
        """
        End it, and wait until it has ended.  Ended already: at once.
        """
        if not self.has_ended:
            self.stop.request(pb.CANCEL_REASON_REQUESTED)
        await self.ended.wait()

    def finish(self, event: pb.ExecuteResponse) -> bool:
        """
        Keep the ending: a `finished` event with the whole result.  Only the first one counts.

        Returns:
            Whether this one was the first.
        """
        if self.journal.finished:
            return False
        if not event.finished.HasField("usage"):
            event.finished.usage.CopyFrom(self._usage or pb.Usage())
        for ending in endings(event):
            self.journal.append(ending)
        self.state = pb.EXECUTION_STATE_FINISHED
        self.attachments.end()
        self.ended.set()
        return True

    def finished(self) -> pb.Finished:
        """
        The ending, once there is one.
        """
        return self.last_event().finished

    def to_proto(self, ending: pb.ExecuteResponse | None = None) -> pb.Execution:
        """
        What is known of it, put together for who asks: most calls are never asked after.  `ending`
        is the last event, if whoever asks has it at hand.
        """
        summary = pb.Execution()
        summary.CopyFrom(self._summary)
        summary.state = self.state
        summary.earliest_sequence = self.journal.earliest
        summary.last_sequence = self.journal.last
        if self._usage is not None:
            summary.usage.CopyFrom(self._usage)
        if self.journal.finished:
            ending = ending or self.last_event()
            summary.finished_time.CopyFrom(ending.time)
            summary.outcome.CopyFrom(ending.finished.outcome)
            summary.usage.CopyFrom(ending.finished.usage)
        return summary

    def last_event(self) -> pb.ExecuteResponse:
        """
        A copy of it: the ending, once there is one.
        """
        return pb.ExecuteResponse.FromString(self.journal.get(self.journal.last))

    def _note(self, event: pb.ExecuteResponse) -> None:
        match event.WhichOneof("event"):
            case "output" | "denied" | "retrying":
                self.tails.note(event)
            case "accepted":
                self._summary.accepted_time.CopyFrom(event.time)
            case "started" if self.state == pb.EXECUTION_STATE_QUEUED:
                self.state = pb.EXECUTION_STATE_RUNNING
                self._summary.started_time.CopyFrom(event.time)
            case "usage":
                self._usage = event.usage


def _summary(execution: Execution) -> pb.Execution:
    return pb.Execution(
        execution_id=execution.execution_id,
        call_id=execution.call_id,
        request_id=execution.request_id,
        tool=execution.tool.name,
        version=execution.tool.version,
        principal=execution.principal,
        labels=execution.labels,
        detached=execution.detached,
    )
