"""
The events of one run of a workflow, as an asynchronous iterator that survives broken connections.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from toolcell.v1 import workflow_pb2 as pb

from toolcell_client.closing import AsyncClosing
from toolcell_client.errors import ConnectionLost, Draining, ServerUnreachable, ToolcellError
from toolcell_client.translation import translate
from toolcell_client.workflow_requests import WorkflowReading, WorkflowResult
from toolcell_client.workflow_stream import AGAIN_SECONDS

if TYPE_CHECKING:
    from typing import Self

    from toolcell_client.async_connection import AsyncConnection


class AsyncWorkflowStream(WorkflowReading, AsyncClosing):
    """
    Iterates what happens in a run; `finished` or `interrupted` is the last.

    The run belongs to the server: to close the stream does not end it; `cancel` does.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        request: pb.RunWorkflowRequest | None,
        run_id: str = "",
        after_sequence: int = 0,
    ) -> None:
        super().__init__(run_id, after_sequence)
        self._connection = connection
        self._request = request
        self._attempts = connection.options.attempts
        self._call: Any = self._start()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.RunWorkflowResponse:
        """
        Raises:
            ToolcellError: the run was refused, or could not be taken up again.
        """
        if self.is_over:
            raise StopAsyncIteration
        while True:
            try:
                return await self._next()
            except (ServerUnreachable, Draining):  # and `ConnectionLost`, which is one
                if not await self._may_try_again():
                    raise

    async def result(self) -> WorkflowResult:
        """
        Read to the end, and return how the run ended, or that it waits for a decision.

        Raises:
            ToolcellError: as iterating.
        """
        async for _ in self:
            pass
        ended = self.ended()
        if ended is None:
            raise ToolcellError("the stream was closed before its end")
        return ended

    async def cancel(self) -> None:
        """
        End the run.  Go on reading: the ending follows.

        Raises:
            ToolcellError: the server did not take the request.
        """
        if self.run_id and not self.is_over:
            request = pb.CancelWorkflowRunRequest(run_id=self.run_id)
            await self._connection.ask(self._connection.workflows.CancelWorkflowRun, request)

    async def aclose(self) -> None:
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

    async def _next(self) -> pb.RunWorkflowResponse:
        target = self._connection.options.target
        try:
            event: Any = await self._call.read()
        except grpc.RpcError as exc:
            raise translate(exc, target) from exc
        if event is grpc.aio.EOF:
            raise ConnectionLost(f"{target} ended the stream before its end", target)
        if isinstance(event, pb.WatchWorkflowResponse):
            event = pb.RunWorkflowResponse.FromString(event.SerializeToString())
        self.take(event)
        self._attempts = self._connection.options.attempts
        return event  # type: ignore[no-any-return]  # it is one by now

    async def _may_try_again(self) -> bool:
        self._attempts -= 1
        known = bool(self.run_id) or bool(self._request and self._request.request_id)
        if self._attempts <= 0 or not known:
            return False
        await asyncio.sleep(
            AGAIN_SECONDS * 2 ** (self._connection.options.attempts - self._attempts)
        )
        self._call = self._start()
        return True
