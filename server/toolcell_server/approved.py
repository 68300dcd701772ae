"""
Says of an approval whether its one run has begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.approvals.reserving import Reservation
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class ApprovedExecutor:
    """
    Takes the approval of an execution for used as soon as the executor underneath has it, and
    spares it again if that tells an ending as `lost` or `cancelled` without ever having told
    `started`: a cell says that it is ready before its tool runs.  An executor that is closed early,
    or fails, tells nothing, and the approval stays used.

    Before it tells the ending it settles the approval, so that a caller who is told `lost` can send
    the call again at once.

    It stands under the queue, in which nothing has begun, and above the layer that retries.  For an
    execution that needed no approval it is not there.
    """

    base: Executor

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if execution.approval is None:
            return self.base.execute(execution)
        return self._approved(execution, execution.approval)

    async def _approved(
        self, execution: Execution, approval: Reservation
    ) -> AsyncIterator[pb.ExecuteResponse]:
        started = False
        approval.begin(execution.execution_id)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                started = started or event.HasField("started")
                if event.HasField("finished"):
                    if not started and _never_ran(event.finished):
                        approval.spare()
                    approval.settle()
                yield event


def _never_ran(finished: pb.Finished) -> bool:
    kind = finished.outcome.WhichOneof("kind")
    return kind == "lost" or (kind == "cancelled" and not finished.usage.processes_peak)
