"""
What the server knows of one execution, from its acceptance until it is forgotten.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.attachments import Attachments
from toolcell_server.journal import Journal
from toolcell_server.results import endings
from toolcell_server.tails import Tails

if TYPE_CHECKING:
    from toolcell_server.execution import Execution


class Record:
    """
    The state of one execution, kept by looking at each event on its way into the journal.

    `number` orders records by acceptance.  `ended` is set once `finished` is in the journal.  The
    record does not hold the execution itself: arguments and descriptors go when the run ends.
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
        self._summary = _summary(execution)
        if execution.detached:
            self.journal.release()

    @property
    def execution_id(self) -> str:
        return self.journal.execution_id

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
    def state(self) -> pb.ExecutionState.ValueType:
        return self._summary.state

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
        self.tails.note(event)
        self._note(event)

    def finish(self, event: pb.ExecuteResponse) -> None:
        """
        Keep the ending: a `finished` event with the whole result.  Only the first one counts.
        """
        if self.journal.finished:
            return
        if not event.finished.HasField("usage"):
            event.finished.usage.CopyFrom(self._summary.usage)
        for ending in endings(event):
            self.journal.append(ending)
        self._note(event)
        self.attachments.end()
        self.ended.set()

    def finished(self) -> pb.Finished:
        """
        The ending, once there is one.
        """
        return pb.ExecuteResponse.FromString(self.journal.get(self.journal.last)).finished

    def to_proto(self) -> pb.Execution:
        summary = pb.Execution()
        summary.CopyFrom(self._summary)
        summary.earliest_sequence = self.journal.earliest
        summary.last_sequence = self.journal.last
        return summary

    def _note(self, event: pb.ExecuteResponse) -> None:
        summary = self._summary
        match event.WhichOneof("event"):
            case "accepted":
                summary.accepted_time.CopyFrom(event.time)
            case "started":
                summary.state = pb.EXECUTION_STATE_RUNNING
                if not summary.HasField("started_time"):
                    summary.started_time.CopyFrom(event.time)
            case "usage":
                summary.usage.CopyFrom(event.usage)
            case "finished":
                summary.state = pb.EXECUTION_STATE_FINISHED
                summary.finished_time.CopyFrom(event.time)
                summary.outcome.CopyFrom(event.finished.outcome)
                summary.usage.CopyFrom(event.finished.usage)


def _summary(execution: Execution) -> pb.Execution:
    return pb.Execution(
        execution_id=execution.execution_id,
        call_id=execution.call_id,
        request_id=execution.request_id,
        tool=execution.tool.name,
        version=execution.tool.version,
        principal=execution.principal,
        state=pb.EXECUTION_STATE_QUEUED,
        labels=execution.labels,
        detached=execution.detached,
    )
