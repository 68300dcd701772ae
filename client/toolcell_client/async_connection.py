"""
The RPCs, over one asyncio channel, with our errors.

Theory of operation.  A grpc.aio channel belongs to the event loop in which it was made, so it is
made by the first call, inside the loop; a client used from a second loop is told so, because its
calls would never end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
from toolcell.v1 import (
    approval_pb2_grpc,
    execution_pb2_grpc,
    host_pb2_grpc,
    registry_pb2_grpc,
    workflow_pb2_grpc,
)
from toolcell.v1 import execution_pb2 as pb

from toolcell_client.connection import PAGE_SIZE, WATCH
from toolcell_client.errors import ConnectionLost
from toolcell_client.options import ADMINISTRATION_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from toolcell.v1.approval_pb2_grpc import ApprovalServiceAsyncStub
    from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceAsyncStub
    from toolcell.v1.host_pb2_grpc import ToolHostServiceAsyncStub
    from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceAsyncStub
    from toolcell.v1.workflow_pb2_grpc import WorkflowServiceAsyncStub

    from toolcell_client.deadline import Deadline
    from toolcell_client.options import ClientOptions

AsyncEvents = Any  # a grpc.aio.UnaryStreamCall of pb.ExecuteResponse


class AsyncConnection:
    """
    One channel, made by the first call.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        self._stubs: _Stubs | None = None
        self._closed = False
        self._background: set[asyncio.Task[None]] = set()

    @property
    def executions(self) -> ToolExecutionServiceAsyncStub:
        return self._connected().executions

    @property
    def registry(self) -> ToolRegistryServiceAsyncStub:
        return self._connected().registry

    @property
    def approvals(self) -> ApprovalServiceAsyncStub:
        return self._connected().approvals

    @property
    def hosts(self) -> ToolHostServiceAsyncStub:
        return self._connected().hosts

    @property
    def workflows(self) -> WorkflowServiceAsyncStub:
        return self._connected().workflows

    def _connected(self) -> _Stubs:
        """
        Raises:
            RuntimeError: the client is closed, or another event loop has used it.
        """
        if self._closed:
            raise RuntimeError("this AsyncClient is closed; make another")
        if self._stubs is None:
            self._stubs = _Stubs(self.options)
        if self._stubs.loop is not asyncio.get_running_loop():
            raise RuntimeError("this AsyncClient belongs to another event loop; make one in each")
        return self._stubs

    def in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """
        Work that goes on when whoever waits for it is cancelled, and that `aclose` waits for.
        """
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def aclose(self) -> None:
        if self._background:
            await asyncio.wait(self._background)
        self._closed = True
        if self._stubs is not None:
            await self._stubs.channel.close()

    def execute(self, request: pb.ExecuteRequest, deadline: Deadline) -> AsyncEvents:
        return self.executions.Execute(
            request, timeout=deadline.remaining(), metadata=self.options.call_metadata()
        )

    async def run(self, request: pb.RunRequest, deadline: Deadline) -> pb.RunResponse:
        answer = await self.ask(self.executions.Run, request, deadline.remaining())
        return cast("pb.RunResponse", answer)

    def watch(self, execution_id: str, after_sequence: int, deadline: Deadline) -> AsyncEvents:
        request = pb.WatchRequest(execution_id=execution_id, after_sequence=after_sequence)
        return self._connected().watch(
            request, timeout=deadline.remaining(), metadata=self.options.call_metadata()
        )

    async def ask(
        self,
        method: Callable[..., Any],
        request: Any,
        seconds: float | None = ADMINISTRATION_SECONDS,
    ) -> Any:
        """
        One unary call.

        Raises:
            ToolcellError: it was refused, or not answered.
        """
        try:
            return await method(request, timeout=seconds, metadata=self.options.call_metadata())
        except grpc.RpcError as exc:
            raise translate(exc, self.options.target) from exc

    def raise_unless_cancelled(self) -> None:
        """
        A stream of grpc.aio turns a *server's* CANCELLED into CancelledError, as if this task had
        been cancelled.

        Raises:
            ConnectionLost: nobody cancelled this task.
        """
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            target = self.options.target
            raise ConnectionLost(f"the connection to {target} broke (CANCELLED)", target) from None

    async def cancel(
        self, execution_id: str, seconds: float = ADMINISTRATION_SECONDS
    ) -> pb.Execution:
        request = pb.CancelExecutionRequest(execution_id=execution_id)
        answer = await self.ask(self.executions.CancelExecution, request, seconds)
        return cast("pb.Execution", answer.execution)

    async def find(
        self, tool: str, request_id: str, seconds: float = ADMINISTRATION_SECONDS
    ) -> str:
        """
        Id of the newest execution with that `request_id`; "" if the server tells of none.
        """
        if not request_id:
            return ""
        request = pb.ListExecutionsRequest(page_size=PAGE_SIZE, tool=tool)
        found = await self.ask(self.executions.ListExecutions, request, seconds)
        matching = (e.execution_id for e in found.executions if e.request_id == request_id)
        return next(matching, "")


class _Stubs:
    """
    What is bound to one event loop.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.loop = asyncio.get_running_loop()
        arguments = options.channel_arguments()
        credentials = options.channel_credentials
        if credentials is None:
            self.channel = grpc.aio.insecure_channel(options.target, arguments)
        else:
            self.channel = grpc.aio.secure_channel(options.target, credentials, arguments)
        self.executions = cast(
            "ToolExecutionServiceAsyncStub",
            execution_pb2_grpc.ToolExecutionServiceStub(self.channel),
        )
        self.registry = cast(
            "ToolRegistryServiceAsyncStub", registry_pb2_grpc.ToolRegistryServiceStub(self.channel)
        )
        self.approvals = cast(
            "ApprovalServiceAsyncStub", approval_pb2_grpc.ApprovalServiceStub(self.channel)
        )
        self.hosts = cast(
            "ToolHostServiceAsyncStub", host_pb2_grpc.ToolHostServiceStub(self.channel)
        )
        self.workflows = cast(
            "WorkflowServiceAsyncStub", workflow_pb2_grpc.WorkflowServiceStub(self.channel)
        )
        # WatchResponse has the fields of ExecuteResponse, so one type serves every reader.
        self.watch: Any = self.channel.unary_stream(
            WATCH,
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.ExecuteResponse.FromString,
        )
