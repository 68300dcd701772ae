"""
The events of one run of a workflow, as a synchronous iterator that survives broken connections.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
from toolcell.v1 import workflow_pb2 as pb

from toolcell_client.closing import Closing
from toolcell_client.errors import ConnectionLost, Draining, ServerUnreachable, ToolcellError
from toolcell_client.translation import translate
from toolcell_client.workflow_requests import WorkflowReading, WorkflowResult

if TYPE_CHECKING:
    from typing import Self

    from toolcell_client.connection import Connection

AGAIN_SECONDS = 0.2  # arbitrary; doubled with each attempt


class WorkflowStream(WorkflowReading, Closing):
    """
    Iterates what happens in a run; `finished` or `interrupted` is the last.

    The run belongs to the server: to close the stream does not end it; `cancel` does.
    """

    def __init__(
        self,
        connection: Connection,
        request: pb.RunWorkflowRequest | None,
        run_id: str = "",
        after_sequence: int = 0,
    ) -> None:
        super().__init__(run_id, after_sequence)
        self._connection = connection
        self._request = request
        self._attempts = connection.options.attempts
        self._call: Any = self._start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pb.RunWorkflowResponse:
        """
        Raises:
            ToolcellError: the run was refused, or could not be taken up again.
        """
        if self.is_over:
            raise StopIteration
        while True:
            try:
                return self._next()
            except (ServerUnreachable, Draining):  # and `ConnectionLost`, which is one
                if not self._may_try_again():
                    raise

    def result(self) -> WorkflowResult:
        """
        Read to the end, and return how the run ended, or that it waits for a decision.

        Raises:
            ToolcellError: as iterating.
        """
        for _ in self:
            pass
        ended = self.ended()
        if ended is None:
            raise ToolcellError("the stream was closed before its end")
        return ended

    def cancel(self) -> None:
        """
        End the run.  Go on reading: the ending follows.

        Raises:
            ToolcellError: the server did not take the request.
        """
        if self.run_id and not self.is_over:
            request = pb.CancelWorkflowRunRequest(run_id=self.run_id)
            self._connection.ask(self._connection.workflows.CancelWorkflowRun, request)

    def close(self) -> None:
        """
        Stop reading.
        """
        self._call.cancel()

    def _start(self) -> Any:
        """
        Send the call, or, once the run is known, watch it.
        """
        metadata = self._connection.options.call_metadata()
        if self._request is not None and not self.run_id:
            return self._connection.workflows.RunWorkflow(self._request, metadata=metadata)
        request = pb.WatchWorkflowRequest(run_id=self.run_id, after_sequence=self.last_sequence)
        return self._connection.workflows.WatchWorkflow(request, metadata=metadata)

    def _next(self) -> pb.RunWorkflowResponse:
        target = self._connection.options.target
        try:
            event: Any = next(self._call)
        except grpc.RpcError as exc:
            raise translate(exc, target) from exc
        except StopIteration:
            raise ConnectionLost(f"{target} ended the stream before its end", target) from None
        if isinstance(event, pb.WatchWorkflowResponse):
            event = pb.RunWorkflowResponse.FromString(event.SerializeToString())
        self.take(event)
        self._attempts = self._connection.options.attempts
        return event  # type: ignore[no-any-return]  # it is one by now

    def _may_try_again(self) -> bool:
        self._attempts -= 1
        known = bool(self.run_id) or bool(self._request and self._request.request_id)
        if self._attempts <= 0 or not known:
            return False
        time.sleep(AGAIN_SECONDS * 2 ** (self._connection.options.attempts - self._attempts))
        self._call = self._start()
        return True
