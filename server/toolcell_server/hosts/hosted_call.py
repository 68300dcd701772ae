"""
One call at one host: what the host says of it, bounded, and how it ends.

Theory of operation.  The host's stream is read for all its calls at once, so a call never waits: it
takes what comes, and the host's credit bounds how much that is.  Credit is given back when whoever
runs the execution takes the event; a caller that does not read keeps its own call waiting, and no
other.

A call ends once, for its first cause: the host has said its last word, the host is gone, or
somebody here ends it (a limit, a stop, an event that is none).  In the last case the host is told,
and has a moment to say that it has ended; then the execution goes on without it.  Its place at the
host is given back only by the host's last word, or with the host: until then the function may still
run.  What comes meanwhile is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import host_pb2

from toolcell_server import endings
from toolcell_server.durations import to_duration
from toolcell_server.hosts import endings as hosted_endings
from toolcell_server.hosts.credit import FRAME_BYTES, Credit
from toolcell_server.hosts.events import BadEvent, event_of
from toolcell_server.hosts.isolation import OUTSIDE
from toolcell_server.hosts.printed import Printed
from toolcell_server.hosts.starting import start_of
from toolcell_server.outbox import Outbox
from toolcell_server.refusals import HostProtocolBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.execution import Execution

LAST: Final = frozenset({"completed", "failed", "cancelled"})


class HostedCall:
    """
    `send` sends to the host.
    """

    def __init__(
        self,
        number: int,
        execution: Execution,
        *,
        window_bytes: int,
        grace_seconds: float,
        send: Callable[[host_pb2.HostToolsResponse], None],
    ) -> None:
        self.number = number
        self.events = Outbox(lambda: None)
        self._execution = execution
        self._limits = limits = execution.grant.limits
        self._credit, self._grace = Credit(window_bytes), grace_seconds
        self._send = send
        self._printed = Printed(limits)
        self._result = bytearray()
        self._costs: deque[int] = deque()  # of the events that nobody has taken
        self._outcome: pb.Outcome | None = None
        self._over = False  # the host has said its last word
        self._timer: asyncio.TimerHandle | None = None
        self._began = time.monotonic()
        self._took: float | None = None

    def start(self) -> None:
        """
        Send it.
        """
        call = start_of(self._execution, self._began)
        self._send(host_pb2.HostToolsResponse(call=self.number, start=call))

    @contextlib.contextmanager
    def attended(self) -> Iterator[None]:
        """
        Hold it to its wall limit and to its stop for as long as the context lasts; whoever leaves
        it earlier than the tool ends the call.
        """
        loop, stop = asyncio.get_running_loop(), self._execution.stop
        exceeded = endings.exceeded("wall", self._limits)
        wall = loop.call_later(self._limits.wall_seconds, self.end_by, exceeded)
        stop.then(self._stopped)
        try:
            yield
        finally:
            wall.cancel()
            stop.ignore(self._stopped)
            self.end_by(endings.cancelled(stop.reason))
            self._close()

    def hear(self, said: host_pb2.HostToolsRequest, kind: str) -> bool:
        """
        Something that the host says of it; whether it was the last.

        Raises:
            HostProtocolBroken: it had no credit to say more.
        """
        if kind in LAST:
            self._hear_last(said, kind)
            return True
        cost = said.ByteSize() + FRAME_BYTES
        if not self._credit.take(cost):
            raise HostProtocolBroken(f"call {self.number} was sent beyond its credit")
        if self._outcome is not None:
            self._give_back(cost)
            return False
        try:
            self._take(said, kind, cost)
        except BadEvent as exc:
            self._give_back(cost)
            self.end_by(hosted_endings.broke_protocol(str(exc)))
        return False

    def taken(self) -> None:
        """
        Whoever runs the execution has taken an event.
        """
        if self._costs:
            self._give_back(self._costs.popleft())

    def gone(self) -> None:
        """
        The host is gone.
        """
        self._over = True
        self._outcome = self._outcome or hosted_endings.gone(self._execution.tool)
        self._close()

    def end_by(self, outcome: pb.Outcome) -> None:
        """
        End it for that; the first cause counts.
        """
        if self._outcome is not None:
            return
        self._outcome = outcome
        if self._over:
            return
        # Reading an absent message does not set it: its reason is unspecified.
        cancel = host_pb2.HostedCancel(reason=outcome.cancelled.reason)
        self._send(host_pb2.HostToolsResponse(call=self.number, cancel=cancel))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._grace, self._close)

    def started(self) -> pb.ExecuteResponse:
        """
        The first event.
        """
        queued = max(0.0, self._began - self._execution.accepted)
        started = pb.Started(
            queue_time=to_duration(queued),
            attempt=self._execution.attempt,
            isolation=OUTSIDE.to_proto(),
        )
        return pb.ExecuteResponse(started=started)

    def finished(self) -> pb.Finished:
        """
        How it ended, once its events have.
        """
        assert self._outcome is not None, "a call that has ended has an outcome"
        printed = self._printed
        took = time.monotonic() - self._began if self._took is None else self._took
        usage = pb.Usage(
            wall=to_duration(took),
            stdout_bytes=printed.stdout.total,
            stderr_bytes=printed.stderr.total,
            arguments_bytes=len(self._execution.arguments),
        )
        finished = pb.Finished(
            outcome=self._outcome,
            usage=usage,
            isolation=OUTSIDE.to_proto(),
            truncated=printed.truncated,
        )
        if self._outcome.HasField("completed"):
            finished.result_json = bytes(self._result)
            finished.result_bytes = finished.usage.result_bytes = len(self._result)
        return finished

    def _take(self, said: host_pb2.HostToolsRequest, kind: str, cost: int) -> None:
        if kind == "output":
            self._print(said.output, cost)
        elif kind == "result_chunk":
            if said.result_chunk.offset != len(self._result):
                raise BadEvent("a piece of the result that does not follow the one before")
            self._add(said.result_chunk.data)
            self._give_back(cost)
        else:
            self._tell(event_of(said, kind), cost)

    def _print(self, said: pb.Output, cost: int) -> None:
        if event := self._printed.take(said):
            self._tell(event, cost)
        else:
            self._give_back(cost)
        if self._printed.flooding:
            self.end_by(endings.exceeded("output", self._limits))

    def _tell(self, event: pb.ExecuteResponse, cost: int) -> None:
        self._costs.append(cost)
        self.events.put(event, cost)

    def _give_back(self, cost: int) -> None:
        told = self._credit.give_back(cost)
        if told and not self._over:
            credit = host_pb2.HostedCredit(bytes=told)
            self._send(host_pb2.HostToolsResponse(call=self.number, credit=credit))

    def _add(self, data: bytes) -> None:
        if len(self._result) + len(data) > self._limits.result_bytes:
            self._result.clear()
            self.end_by(endings.exceeded("result", self._limits))
            return
        self._result += data

    def _hear_last(self, said: host_pb2.HostToolsRequest, kind: str) -> None:
        self._over = True
        if kind == "completed" and self._outcome is None:
            self._add(said.completed.result_json)
        if self._outcome is None:
            self._outcome = hosted_endings.told(said, kind, self._limits)
        self._close()

    def _stopped(self) -> None:
        self.end_by(endings.cancelled(self._execution.stop.reason))

    def _close(self) -> None:
        """
        Nothing more will be told of it.  Does nothing the second time.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self._took is not None:
            return
        self._took = time.monotonic() - self._began
        for event in self._printed.tails():
            self._tell(event, 0)
        self.events.end()
