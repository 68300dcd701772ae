"""
The gRPC face of `ExecuteBatch`, a method of ToolExecutionService.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import grpc
from toolcell.v1 import execution_pb2 as pb

from toolcell_server.batching.plan import planned
from toolcell_server.batching.running import BatchRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.rpc.status_pb2 import Status

    from toolcell_server.calls.beginning import Beginning
    from toolcell_server.calls.refusing import Refusing
    from toolcell_server.executions import Executions
    from toolcell_server.known import Known
    from toolcell_server.settings.batch import BatchSettings

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["ToolExecutionService"].full_name
_METHOD: Final = f"/{_SERVICE}/ExecuteBatch"
# A text: it is generic in the stubs of gRPC only.
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class BatchService:
    """
    Runs batches.
    """

    def __init__(
        self,
        executions: Executions,
        beginning: Beginning,
        refusing: Refusing,
        bounds: BatchSettings,
    ) -> None:
        self._executions = executions
        self._beginning = beginning
        self._refusing = refusing
        self._bounds = bounds

    async def execute_batch(
        self, request: pb.ExecuteBatchRequest, context: _Context
    ) -> AsyncIterator[pb.ExecuteBatchResponse]:
        plan = planned(request, self._bounds)
        self._executions.check_accepting()

        async def begin(call: pb.ExecuteRequest) -> tuple[Known, bool]:
            return await self._beginning.begin(call, context.time_remaining(), context.peer())

        def refused(error: Exception, call: pb.ExecuteRequest) -> Status:
            return self._refusing.status(error, _METHOD, call)

        async with aclosing(BatchRun(plan, begin, refused).events()) as events:
            async for event in events:
                yield event


def add_to(server: grpc.aio.Server, service: BatchService) -> None:
    """
    Serve it beside the other methods of its service.
    """
    handler = grpc.unary_stream_rpc_method_handler(
        service.execute_batch,
        pb.ExecuteBatchRequest.FromString,
        pb.ExecuteBatchResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(_SERVICE, {"ExecuteBatch": handler})
    server.add_generic_rpc_handlers((generic,))
