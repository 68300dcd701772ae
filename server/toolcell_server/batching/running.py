"""
Runs one batch: a few lanes that take call after call, and one reader of all that happens.

Theory of operation.  Each call is begun as one of its own would be, in a lane, and read by the lane
to its end; so a batch has never more calls in the queue than it has lanes, and its share of the
service is that of any caller who keeps as many calls open.  Lanes wait for the batch's reader, and
while they do their executions' journals hold the tools back.

When the reader leaves, the lanes are cancelled and with them what was being admitted; executions
lose a reader each, which is what a lost `Execute` does to them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.calls.produced import produced, whole_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from google.rpc.status_pb2 import Status

    from toolcell_server.batching.plan import Plan
    from toolcell_server.calls.produced import Put
    from toolcell_server.known import Known


class Begin(Protocol):
    """
    Begins one call of the batch.
    """

    async def __call__(self, call: pb.ExecuteRequest) -> tuple[Known, bool]:
        """
        Its execution, and whether that had ended before.

        Raises:
            CallRefused: nothing ran.
        """
        ...


class Refused(Protocol):
    """
    Records that a call could not begin, and says what its caller is told.
    """

    def __call__(self, error: Exception, call: pb.ExecuteRequest) -> Status: ...


class BatchRun:
    """
    One batch.
    """

    def __init__(self, plan: Plan, begin: Begin, refused: Refused) -> None:
        self._plan = plan
        self._begin = begin
        self._refused = refused
        self._waiting = deque(plan.calls)
        self._first_failed = ""  # a call
        self._ended: dict[str, pb.BatchCall] = {}

    def events(self) -> AsyncGenerator[pb.ExecuteBatchResponse, None]:
        """
        All that happens; `finished` is last.
        """
        return produced(self._run)

    async def _run(self, put: Put) -> None:
        async with asyncio.TaskGroup() as lanes:
            for _ in range(self._plan.parallel):
                lanes.create_task(self._lane(put))
        for call in self._waiting:
            self._note(call.call_id, pb.BATCH_CALL_STATE_NOT_RUN)
            not_run = pb.NotRun(failed_call_id=self._first_failed)
            await put(pb.ExecuteBatchResponse(call_id=call.call_id, not_run=not_run))
        await put(pb.ExecuteBatchResponse(finished=self._summary()))

    async def _lane(self, put: Put) -> None:
        while self._waiting and not (self._first_failed and self._plan.stop_on_failure):
            await self._call(self._waiting.popleft(), put)

    async def _call(self, call: pb.ExecuteRequest, put: Put) -> None:
        try:
            record, replayed = await self._begin(call)
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is this call's alone
            self._note(call.call_id, pb.BATCH_CALL_STATE_REFUSED)
            status = self._refused(exc, call).SerializeToString()
            refused = pb.Refused.FromString(status)
            await put(pb.ExecuteBatchResponse(call_id=call.call_id, refused=refused))
        else:
            await self._read(call.call_id, record, put, replayed=replayed)

    async def _read(self, call_id: str, record: Known, put: Put, *, replayed: bool) -> None:
        with record.attachments:
            async with aclosing(whole_of(record)) as events:
                async for data, last in events:
                    event = pb.ExecuteResponse.FromString(data)
                    if last:
                        event.finished.replayed = replayed
                        self._note(call_id, _state(event.finished), record.execution_id)
                    await put(pb.ExecuteBatchResponse(call_id=call_id, execution=event))

    def _note(
        self, call_id: str, state: pb.BatchCallState.ValueType, execution_id: str = ""
    ) -> None:
        ended = pb.BatchCall(call_id=call_id, state=state, execution_id=execution_id)
        self._ended[call_id] = ended
        if state != pb.BATCH_CALL_STATE_COMPLETED:
            self._first_failed = self._first_failed or call_id

    def _summary(self) -> pb.BatchFinished:
        calls = [self._ended[call.call_id] for call in self._plan.calls]
        return pb.BatchFinished(calls=calls, completed=not self._first_failed)


def _state(finished: pb.Finished) -> pb.BatchCallState.ValueType:
    completed = finished.outcome.HasField("completed")
    return pb.BATCH_CALL_STATE_COMPLETED if completed else pb.BATCH_CALL_STATE_FAILED
