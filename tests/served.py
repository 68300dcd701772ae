"""
A real server with ToolExecutionService on loopback, for tests.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from scripted_executor import ScriptedExecutor, execution
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell_server.batching import service as batch_service
from toolcell_server.batching.service import BatchService
from toolcell_server.calls.refusing import Refusing
from toolcell_server.executions import Executions, Keeping
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.record import Record
from toolcell_server.service import ExecutionService, add_to
from toolcell_server.settings.batch import BatchSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from toolcell.v1 import execution_pb2 as pb
    from toolcell_server.execution import Execution
    from toolcell_server.principal import Principal
    from toolcell_server.records.forgetful import Remembers


class FakeAdmission:
    """
    Admits every call as it is, and remembers how long its RPC had.
    """

    def __init__(self) -> None:
        self.time_remaining: float | None = None
        self.refusal: Exception | None = None

    async def admit(
        self,
        request: pb.ExecuteRequest | pb.RunRequest,
        time_remaining: float | None,
        principal: Principal,
        *,
        share: str,
    ) -> Execution:
        self.time_remaining = time_remaining
        if self.refusal:
            raise self.refusal
        return execution(
            tool=request.tool,
            call_id=request.call_id,
            request_id=request.request_id,
            detached=request.detached,
            principal=principal.name,
        )


class Service:
    """
    A server on a loopback port, its parts, and a stub of a client with default settings.
    """

    def __init__(
        self,
        executor: ScriptedExecutor,
        keeping: Keeping,
        port: int,
        remembers: Remembers | None = None,
    ) -> None:
        self.executor = executor
        self.port = port
        self.admission = FakeAdmission()
        self.executions = Executions(executor, keeping, remembers)
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = ToolExecutionServiceStub(self.channel)

    def last(self) -> Record:
        record = self.executions.get(self.executor.begun[-1].execution_id)
        assert isinstance(record, Record)
        return record

    def tell(self, *items: Any) -> None:
        self.executor.tell(self.executor.begun[-1], *items)


@contextlib.asynccontextmanager
async def serving(
    executor: ScriptedExecutor,
    *outermost: grpc.aio.ServerInterceptor,
    remembers: Remembers | None = None,
    **keeping: Any,
) -> AsyncIterator[Service]:
    interceptors = [*outermost, ErrorInterceptor()]
    server = grpc.aio.server(interceptors=interceptors, options=[("grpc.so_reuseport", 0)])
    port = server.add_insecure_port("127.0.0.1:0")
    service = Service(executor, Keeping(**keeping), port, remembers)
    executions = ExecutionService(service.executions, service.admission)
    add_to(server, executions)
    bounds, refusing = BatchSettings(max_parallel=4), Refusing()
    batches = BatchService(service.executions, executions.beginning, refusing, bounds)
    batch_service.add_to(server, batches)
    await server.start()
    try:
        yield service
    finally:
        await service.executions.drain(0)
        await service.channel.close()
        await server.stop(None)


async def refusal(call: Awaitable[Any]) -> tuple[str, ErrorInfo]:
    """
    The code and the ErrorInfo of a call that is refused.
    """
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    trailers = dict(refused.value.trailing_metadata() or ())
    info = ErrorInfo()
    for detail in Status.FromString(trailers["grpc-status-details-bin"]).details:
        detail.Unpack(info)
    return refused.value.code().name, info


async def all_of(stream: Any) -> list[Any]:
    events = []
    while (event := await stream.read()) is not grpc.aio.EOF:
        events.append(event)
    return events
