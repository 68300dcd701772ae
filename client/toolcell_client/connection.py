"""
The RPCs, over one synchronous channel, with our errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from toolcell.v1 import (
    approval_pb2_grpc,
    execution_pb2_grpc,
    registry_pb2_grpc,
    workflow_pb2_grpc,
)
from toolcell.v1 import execution_pb2 as pb

from toolcell_client.options import ADMINISTRATION_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.deadline import Deadline
    from toolcell_client.options import ClientOptions

WATCH = "/toolcell.v1.ToolExecutionService/Watch"
PAGE_SIZE = 1000  # the largest; a look-up by `request_id` reads one page, newest first

_Answer = TypeVar("_Answer")
Events = Any  # an iterator of pb.ExecuteResponse that is also a grpc.Call


class Connection:
    """
    One channel.  Safe to use from many threads.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        arguments = options.channel_arguments()
        credentials = options.channel_credentials
        if credentials is None:
            self._channel = grpc.insecure_channel(options.target, arguments)
        else:
            self._channel = grpc.secure_channel(options.target, credentials, arguments)
        self.executions = execution_pb2_grpc.ToolExecutionServiceStub(self._channel)
        self.registry = registry_pb2_grpc.ToolRegistryServiceStub(self._channel)
        self.approvals = approval_pb2_grpc.ApprovalServiceStub(self._channel)
        self.workflows = workflow_pb2_grpc.WorkflowServiceStub(self._channel)
        # WatchResponse has the fields of ExecuteResponse, so one type serves every reader.
        self._watch: Any = self._channel.unary_stream(
            WATCH,
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.ExecuteResponse.FromString,
        )

    def close(self) -> None:
        self._channel.close()

    def execute(self, request: pb.ExecuteRequest, deadline: Deadline) -> Events:
        return self.executions.Execute(
            request, timeout=deadline.remaining(), metadata=self.options.call_metadata()
        )

    def run(self, request: pb.RunRequest, deadline: Deadline) -> pb.RunResponse:
        return self.ask(self.executions.Run, request, deadline.remaining())

    def watch(self, execution_id: str, after_sequence: int, deadline: Deadline) -> Events:
        request = pb.WatchRequest(execution_id=execution_id, after_sequence=after_sequence)
        return self._watch(
            request, timeout=deadline.remaining(), metadata=self.options.call_metadata()
        )

    def ask(
        self,
        method: Callable[..., _Answer],
        request: Any,
        seconds: float | None = ADMINISTRATION_SECONDS,
    ) -> _Answer:
        """
        One unary call.

        Raises:
            ToolcellError: it was refused, or not answered.
        """
        try:
            return method(request, timeout=seconds, metadata=self.options.call_metadata())
        except grpc.RpcError as exc:
            raise translate(exc, self.options.target) from exc

    def cancel(self, execution_id: str, seconds: float = ADMINISTRATION_SECONDS) -> pb.Execution:
        request = pb.CancelExecutionRequest(execution_id=execution_id)
        return self.ask(self.executions.CancelExecution, request, seconds).execution

    def find(self, tool: str, request_id: str, seconds: float = ADMINISTRATION_SECONDS) -> str:
        """
        Id of the newest execution with that `request_id`; "" if the server tells of none.
        """
        if not request_id:
            return ""
        request = pb.ListExecutionsRequest(page_size=PAGE_SIZE, tool=tool)
        found = self.ask(self.executions.ListExecutions, request, seconds)
        matching = (e.execution_id for e in found.executions if e.request_id == request_id)
        return next(matching, "")
