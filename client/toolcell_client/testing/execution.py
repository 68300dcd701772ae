"""
One scripted execution: its events so far, and what is still to come.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.testing.script import FIELDS, Hold, cancelled, completed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.testing.script import Payload


class FakeExecution:
    """
    Plays a script up to its next hold; readers wait on `changed`.
    """

    def __init__(
        self, request: pb.ExecuteRequest | pb.RunRequest, script: Iterable[Payload]
    ) -> None:
        self.request = request
        self.execution_id = uuid.uuid4().hex
        self.events: list[pb.ExecuteResponse] = []
        self.changed = threading.Condition()
        self.earliest_sequence = 1
        self._script: deque[Payload] = deque(script)
        self._append(pb.Accepted(tool=request.tool, version=request.version or "1"))
        if request.validate_only:
            self._script = deque([pb.Finished(outcome=pb.Outcome(completed=pb.Completed()))])
        else:
            self._append(pb.Started(attempt=1))
        self.play()

    @property
    def finished(self) -> bool:
        return self.events[-1].WhichOneof("event") == "finished"

    def has(self, sequence: int) -> bool:
        return len(self.events) >= sequence

    def play(self) -> None:
        """
        Go on to the next hold, or to the end.
        """
        with self.changed:
            while not self.finished:
                payload = self._script.popleft() if self._script else completed()
                if isinstance(payload, Hold):
                    break
                self._append(payload)
            self.changed.notify_all()

    def cancel(self) -> None:
        """
        End now, unless ended already.
        """
        with self.changed:
            if not self.finished:
                self._script.clear()
                self._append(cancelled())
            self.changed.notify_all()

    def to_proto(self) -> pb.Execution:
        execution = pb.Execution(
            execution_id=self.execution_id,
            call_id=self.request.call_id,
            request_id=self.request.request_id,
            tool=self.request.tool,
            version=self.request.version or "1",
            state=pb.EXECUTION_STATE_RUNNING,
            accepted_time=self.events[0].time,
            earliest_sequence=self.earliest_sequence,
            last_sequence=len(self.events),
            labels=self.request.labels,
            detached=self.request.detached,
        )
        if self.finished:
            execution.state = pb.EXECUTION_STATE_FINISHED
            execution.outcome.CopyFrom(self.events[-1].finished.outcome)
            execution.finished_time.CopyFrom(self.events[-1].time)
        return execution

    def answer(self) -> pb.RunResponse:
        """
        The answer of `Run`, once finished.
        """
        output = {
            stream: b"".join(e.output.data for e in self.events if e.output.stream == stream)
            for stream in (pb.OUTPUT_STREAM_STDOUT, pb.OUTPUT_STREAM_STDERR)
        }
        return pb.RunResponse(
            execution_id=self.execution_id,
            call_id=self.request.call_id,
            finished=self.events[-1].finished,
            stdout_tail=output[pb.OUTPUT_STREAM_STDOUT][-65536:],
            stderr_tail=output[pb.OUTPUT_STREAM_STDERR][-65536:],
            denials=[e.denied for e in self.events if e.HasField("denied")][:32],
        )

    def _append(self, payload: Payload | pb.Accepted | pb.Started) -> None:
        event = pb.ExecuteResponse(
            sequence=len(self.events) + 1,
            execution_id=self.execution_id,
            call_id=self.request.call_id,
            **{FIELDS[type(payload)]: payload},  # type: ignore[arg-type]  # named by its own type
        )
        event.time.GetCurrentTime()
        self.events.append(event)
