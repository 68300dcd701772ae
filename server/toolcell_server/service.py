"""
The gRPC face of ToolExecutionService: messages in, messages out.

Refusals leave as exceptions; the server's interceptor turns them into statuses.  A lost stream
reaches a handler as CancelledError at an `await`, as GeneratorExit at a `yield`, or as an error of
the write: none is caught here, the context managers leave on all of them, and leaving is all that
a lost stream does to an execution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import grpc
from toolcell.v1 import execution_pb2 as pb

from toolcell_server import listing, principal
from toolcell_server.calls.beginning import Beginning
from toolcell_server.principal import OTHERS
from toolcell_server.refusals import UnknownExecution

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.calls.beginning import Admits, Joined
    from toolcell_server.executions import Executions
    from toolcell_server.known import Known
    from toolcell_server.principal import Principal

NAME: Final = pb.DESCRIPTOR.services_by_name["ToolExecutionService"].full_name

_Request = pb.ExecuteRequest | pb.RunRequest
# A text: it is generic in the stubs of gRPC only.
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Reached(Protocol):
    """
    Is told of each look at, and each end of, an execution of somebody else.
    """

    def __call__(self, caller: Principal, execution_id: str, owner: str, method: str) -> None: ...


class ExecutionService:
    """
    Executes calls and answers for executions.
    """

    def __init__(
        self,
        executions: Executions,
        admission: Admits,
        joined: Joined | None = None,
        reached: Reached | None = None,
    ) -> None:
        self._executions = executions
        self.beginning = Beginning(executions, admission, joined)
        self._reached = reached

    async def execute(self, request: pb.ExecuteRequest, context: _Context) -> AsyncIterator[bytes]:
        record, replayed = await self._record(request, context)
        reader = record.reader()
        with record.attachments, reader as events:
            async for data in events:
                yield marked_replayed(data) if replayed and reader.at_end else data

    async def run(self, request: pb.RunRequest, context: _Context) -> pb.RunResponse:
        record, replayed = await self._record(request, context)
        with record.attachments:
            finished = await record.ending()
        finished.replayed = replayed
        return pb.RunResponse(
            execution_id=record.execution_id,
            call_id=record.call_id,
            finished=finished,
            stdout_tail=record.tails.stdout,
            stderr_tail=record.tails.stderr,
            denials=record.tails.denials,
        )

    async def watch(self, request: pb.WatchRequest, _context: _Context) -> AsyncIterator[bytes]:
        record = self._own(request.execution_id, "Watch")
        with record.attachments, record.reader(request.after_sequence) as events:
            async for data in events:
                yield data

    async def cancel_execution(
        self, request: pb.CancelExecutionRequest, _context: _Context
    ) -> pb.CancelExecutionResponse:
        own = self._own(request.execution_id, "CancelExecution")
        record = await self._executions.cancel(own.execution_id)
        return pb.CancelExecutionResponse(execution=record.to_proto())

    async def get_execution(
        self, request: pb.GetExecutionRequest, _context: _Context
    ) -> pb.GetExecutionResponse:
        record = self._own(request.execution_id, "GetExecution")
        return pb.GetExecutionResponse(execution=record.to_proto())

    async def list_executions(
        self, request: pb.ListExecutionsRequest, _context: _Context
    ) -> pb.ListExecutionsResponse:
        caller = principal.current()
        narrowing = listing.narrowing(request)
        if OTHERS not in caller.scopes:
            if request.principal not in ("", caller.name):
                return pb.ListExecutionsResponse()  # and not after a look at all of his own
            narrowing = narrowing._replace(principal=caller.name)
        matching = self._executions.newest_first(narrowing)
        return listing.page((each for each in matching if caller.may_see(each.principal)), request)

    def _own(self, execution_id: str, method: str) -> Known:
        """
        An execution that the caller may see.

        Raises:
            UnknownExecution: there is none; one of somebody else is refused in the same words.
        """
        record = self._executions.get(execution_id)
        caller = principal.current()
        if not caller.may_see(record.principal):
            raise UnknownExecution(execution_id)
        if self._reached and caller.name != record.principal:
            self._reached(caller, execution_id, record.principal, method)
        return record

    async def _record(self, request: _Request, context: _Context) -> tuple[Known, bool]:
        return await self.beginning.begin(request, context.time_remaining(), context.peer())


def marked_replayed(data: bytes) -> bytes:
    """
    The ending, for a call that replays it.
    """
    event = pb.ExecuteResponse.FromString(data)
    event.finished.replayed = True
    return event.SerializeToString()


def add_to(server: grpc.aio.Server, service: ExecutionService) -> None:
    """
    Serve it.  Events leave as the bytes that the journal keeps, whoever reads them: that is why
    the two streams have no serializer, and why the generated servicer is not used.
    """
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Execute": grpc.unary_stream_rpc_method_handler(
            service.execute, pb.ExecuteRequest.FromString
        ),
        "Run": grpc.unary_unary_rpc_method_handler(
            service.run, pb.RunRequest.FromString, pb.RunResponse.SerializeToString
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(service.watch, pb.WatchRequest.FromString),
        "CancelExecution": grpc.unary_unary_rpc_method_handler(
            service.cancel_execution,
            pb.CancelExecutionRequest.FromString,
            pb.CancelExecutionResponse.SerializeToString,
        ),
        "GetExecution": grpc.unary_unary_rpc_method_handler(
            service.get_execution,
            pb.GetExecutionRequest.FromString,
            pb.GetExecutionResponse.SerializeToString,
        ),
        "ListExecutions": grpc.unary_unary_rpc_method_handler(
            service.list_executions,
            pb.ListExecutionsRequest.FromString,
            pb.ListExecutionsResponse.SerializeToString,
        ),
    }
    generic = grpc.method_handlers_generic_handler(NAME, handlers)
    server.add_generic_rpc_handlers((generic,))
