"""
Waits for the turn of an execution that was admitted into the queue.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.endings import cancelled
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.capacity import Capacity
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class QueuedExecutor:
    """
    Runs the executor underneath when the turn comes.  A stop that comes first ends the execution:
    nothing has run.  The place itself is given back when the execution is closed.

    It stands under the layer that ends an execution at its deadline, which covers the queue, and
    above the one that retries, so that an attempt keeps its turn.
    """

    base: Executor
    capacity: Capacity

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if not await self._turn_comes(execution):
            outcome = cancelled(execution.stop.reason)
            yield pb.ExecuteResponse(finished=pb.Finished(outcome=outcome))
            return
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                in_cell = not execution.tool.hosted  # of a host nobody knows what it took
                if in_cell and event.HasField("finished") and event.finished.HasField("usage"):
                    self.capacity.used(event.finished.usage.memory_peak_bytes)
                yield event

    async def _turn_comes(self, execution: Execution) -> bool:
        """
        Wait for the turn; false if the execution is asked to stop before.
        """
        if not self.capacity.waits(execution.execution_id):
            return True
        turn = asyncio.create_task(self.capacity.turn(execution.execution_id))
        stop = asyncio.create_task(execution.stop.event.wait())
        try:
            await asyncio.wait((turn, stop), return_when=asyncio.FIRST_COMPLETED)
            return execution.stop.reason is None
        finally:
            turn.cancel()
            stop.cancel()
