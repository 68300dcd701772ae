"""
The execution service of a fake server.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc

from toolcell_client.testing.pages import page
from toolcell_client.testing.refusing import Refusing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_client.testing.execution import FakeExecution
    from toolcell_client.testing.server import FakeServer


class FakeExecutionService(execution_pb2_grpc.ToolExecutionServiceServicer):
    """
    Plays scripts to callers, from any event.
    """

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def Execute(  # noqa: N802  # gRPC's name
        self, request: pb.ExecuteRequest, context: Any
    ) -> Iterator[pb.ExecuteResponse]:
        yield from self._follow(self._server.admit(request, context), 0, context)

    def ExecuteBatch(  # noqa: N802  # gRPC's name
        self, request: pb.ExecuteBatchRequest, context: Any
    ) -> Iterator[pb.ExecuteBatchResponse]:
        """
        One call after the other, none of them refused by itself.
        """
        ended = []
        for number, call in enumerate(request.calls, 1):
            call_id, completed = call.call_id or str(number), False
            for event in self.Execute(call, context):
                completed = event.finished.outcome.HasField("completed")
                yield pb.ExecuteBatchResponse(call_id=call_id, execution=event)
            state = pb.BATCH_CALL_STATE_COMPLETED if completed else pb.BATCH_CALL_STATE_FAILED
            ended.append(
                pb.BatchCall(call_id=call_id, state=state, execution_id=event.execution_id)
            )
        whole = all(each.state == pb.BATCH_CALL_STATE_COMPLETED for each in ended)
        yield pb.ExecuteBatchResponse(finished=pb.BatchFinished(calls=ended, completed=whole))

    def Run(self, request: pb.RunRequest, context: Any) -> pb.RunResponse:  # noqa: N802  # gRPC's
        execution = self._server.admit(request, context)
        if self._server.next_drop(request.tool) is not None:
            _break(context)
        _await(execution, context, lambda: execution.finished)
        return execution.answer()

    def Watch(  # noqa: N802  # gRPC's name
        self, request: pb.WatchRequest, context: Any
    ) -> Iterator[pb.WatchResponse]:
        self._server.note(lambda: self._server.watches.append(request))
        execution = self._find(request.execution_id, context)
        if request.after_sequence + 1 < execution.earliest_sequence:
            _expired(execution).abort(context)
        for event in self._follow(execution, request.after_sequence, context):
            yield pb.WatchResponse.FromString(event.SerializeToString())

    def CancelExecution(  # noqa: N802  # gRPC's name
        self, request: pb.CancelExecutionRequest, context: Any
    ) -> pb.CancelExecutionResponse:
        execution = self._find(request.execution_id, context)
        execution.cancel()
        self._server.note(lambda: self._server.cancels.append(request.execution_id))
        return pb.CancelExecutionResponse(execution=execution.to_proto())

    def GetExecution(  # noqa: N802  # gRPC's name
        self, request: pb.GetExecutionRequest, context: Any
    ) -> pb.GetExecutionResponse:
        execution = self._find(request.execution_id, context)
        return pb.GetExecutionResponse(execution=execution.to_proto())

    def ListExecutions(  # noqa: N802  # gRPC's name
        self,
        request: pb.ListExecutionsRequest,
        context: Any,  # noqa: ARG002  # gRPC's
    ) -> pb.ListExecutionsResponse:
        newest_first = [e.to_proto() for e in reversed(list(self._server.executions.values()))]
        found = [
            each
            for each in newest_first
            if request.tool in ("", each.tool)
            and request.state in (0, each.state)
            and request.principal in ("", each.principal)
        ]
        executions, token = page(found, request.page_size, request.page_token)
        return pb.ListExecutionsResponse(executions=executions, next_page_token=token)

    def _find(self, execution_id: str, context: Any) -> FakeExecution:
        execution = self._server.executions.get(execution_id)
        if execution is None:
            Refusing(
                code=grpc.StatusCode.NOT_FOUND,
                reason="UNKNOWN_EXECUTION",
                message=f"no execution {execution_id!r} is kept",
                metadata={"execution_id": execution_id},
            ).abort(context)
        return execution

    def _follow(
        self, execution: FakeExecution, after_sequence: int, context: Any
    ) -> Iterator[pb.ExecuteResponse]:
        drop = self._server.next_drop(execution.request.tool)
        for sent, sequence in enumerate(range(after_sequence, 2**31)):
            if sent == drop:
                _break(context)
            if not _await(execution, context, partial(execution.has, sequence + 1)):
                return
            event = execution.events[sequence]
            yield event
            if event.WhichOneof("event") == "finished":
                return


def _await(execution: FakeExecution, context: Any, reached: Callable[[], bool]) -> bool:
    """
    Whether it was reached before the caller went away.
    """

    def wake() -> None:
        with execution.changed:
            execution.changed.notify_all()

    if not context.add_callback(wake):
        return False
    with execution.changed:
        execution.changed.wait_for(lambda: reached() or not context.is_active())
    return context.is_active() and reached()


def _break(context: Any) -> None:
    Refusing(code=grpc.StatusCode.UNAVAILABLE).abort(context)


def _expired(execution: FakeExecution) -> Refusing:
    return Refusing(
        code=grpc.StatusCode.OUT_OF_RANGE,
        reason="EVENTS_EXPIRED",
        message=f"events before {execution.earliest_sequence} are gone",
        metadata={"earliest_sequence": str(execution.earliest_sequence)},
    )
