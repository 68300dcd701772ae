"""
The events of one execution, as a synchronous iterator that survives broken connections.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import grpc

from toolcell_client.closing import Closing
from toolcell_client.errors import (
    CallTimedOut,
    ConnectionLost,
    ContractBroken,
    EventsExpired,
    ToolcellError,
)
from toolcell_client.options import FAREWELL_SECONDS, SETTLE_SECONDS
from toolcell_client.reading import Reading
from toolcell_client.recovery import Find, Resend, Step, gives_up_looking
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from typing import Self

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.connection import Connection, Events
    from toolcell_client.deadline import Deadline
    from toolcell_client.result import Result


class Stream(Reading, Closing):
    """
    Iterates the events of one execution; `finished` is the last.

    A stream made by `execute` owns its execution: to close it early, or to press Ctrl-C while it
    waits, cancels the execution, unless it is detached.  A stream made by `watch` only looks on.
    """

    def __init__(
        self,
        connection: Connection,
        deadline: Deadline,
        *,
        request: pb.ExecuteRequest | None = None,
        execution_id: str = "",
        after_sequence: int = 0,
    ) -> None:
        attempts = connection.options.attempts
        super().__init__(deadline, attempts, request, execution_id, after_sequence)
        self._connection = connection
        self._call: Events = None
        self._closing = threading.Event()

    def start(self) -> Self:
        """
        Send the call.
        """
        if self._request is None:
            sequence = self._recovery.last_sequence
            self._call = self._connection.watch(self.execution_id, sequence, self._deadline)
        else:
            self._call = self._connection.execute(self._request, self._deadline)
        return self

    def resume(self, error: ToolcellError) -> Self:
        """
        Go on from an error that another RPC of the same call met.
        """
        self._broken = error
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pb.ExecuteResponse:
        """
        Raises:
            ToolcellError: the call was refused, timed out, or could not be taken up again.
        """
        if self._over:
            self._settle()
            raise StopIteration
        try:
            return self._next()
        except (CallTimedOut, EventsExpired, ContractBroken) as exc:
            self._broken = exc
            self.close()  # the execution may still run, and nobody reads it any more
            raise
        except ToolcellError as exc:
            self._broken = exc
            self._over = True
            raise
        except BaseException:  # Ctrl-C, for one: whoever leaves must not leave a tool running
            self.close()
            raise

    def result(self) -> Result:
        """
        Read to the end, and return how the execution ended.

        Raises:
            ToolcellError: as iterating; or the stream was closed before its end.
        """
        for _ in self:
            pass
        return self._ended()

    def cancel(self) -> None:
        """
        Ask the server to end the execution.  Go on reading: the ending follows.

        Raises:
            ToolcellError: the server did not take the request.
        """
        if self._over:
            return
        if self.execution_id:
            self._connection.cancel(self.execution_id)
        else:
            self._cancel_wanted = True

    def close(self) -> None:
        """
        Stop reading; the execution is cancelled if this stream owns it and it is not detached.
        """
        if self._over:
            return
        self._over = True
        self._closing.set()
        if self._call is not None:
            self._call.cancel()
        if request := self._owned():
            self._end_execution(request)

    def _next(self) -> pb.ExecuteResponse:
        while True:
            try:
                event = self._receive()
                if not self._recovery.take(event):
                    continue
            except ToolcellError as exc:
                if self._over:  # closed meanwhile, by another thread
                    raise StopIteration from None
                self._recover(exc)
            else:
                return self._taken(event)

    def _settle(self) -> None:
        # A call dropped before its status came would count as cancelled on the server.
        if self._recovery.finished and self._call is not None:
            settled = threading.Event()
            if self._call.add_callback(settled.set):
                settled.wait(SETTLE_SECONDS)
            self._call = None

    def _receive(self) -> pb.ExecuteResponse:
        self._take_failure()
        try:
            event: pb.ExecuteResponse = next(self._call)
        except grpc.RpcError as exc:
            raise translate(exc, self._connection.options.target) from exc
        except StopIteration:
            target = self._connection.options.target
            raise ConnectionLost(f"{target} ended the stream before its end", target) from None
        return event

    def _taken(self, event: pb.ExecuteResponse) -> pb.ExecuteResponse:
        self._folding.add(event)
        self._over = self._over or self._recovery.finished  # it may be closed meanwhile
        if self._cancel_wanted and not self._over:
            self._cancel_wanted = False
            self._connection.cancel(self.execution_id)
        return event

    def _recover(self, error: ToolcellError) -> None:
        while True:
            step = self._recovery.after(error)
            if not self._deadline.allows(step.delay_seconds):
                raise error
            if self._closing.wait(step.delay_seconds):
                raise error  # closed meanwhile, by another thread: nothing is to be sent again
            try:
                self._perform(step)
            except ToolcellError as exc:
                error = exc
            else:
                return

    def _perform(self, step: Step) -> None:
        if self._call is not None:
            self._call.cancel()
        if isinstance(step, Find):
            self._recovery.found(self._find())
        if isinstance(step, Resend):
            self.start()
        else:
            sequence = self._recovery.last_sequence
            self._call = self._connection.watch(self.execution_id, sequence, self._deadline)

    def _find(self) -> str:
        assert self._request is not None, "only a call that was not accepted is looked up"
        try:
            return self._connection.find(self._request.tool, self._request.request_id)
        except ToolcellError as exc:
            if gives_up_looking(exc):
                return ""
            raise

    def _end_execution(self, request: pb.ExecuteRequest) -> None:
        # Best effort: if the server does not hear it, its reattach_grace ends the execution.
        with contextlib.suppress(ToolcellError):
            execution_id = self.execution_id or self._connection.find(
                request.tool, request.request_id, FAREWELL_SECONDS
            )
            if execution_id:
                self._connection.cancel(execution_id, FAREWELL_SECONDS)
