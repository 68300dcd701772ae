"""
Tells what the gates have let pass and only reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class ReportedExecutor:
    """
    Tells the reports of an execution before all events of the executor underneath, once: it stands
    above whoever waits and retries.  An execution without any passes as if it were not there.
    """

    base: Executor

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if not execution.reports:
            return self.base.execute(execution)
        return self._reported(execution)

    async def _reported(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        for denied in execution.reports:
            yield pb.ExecuteResponse(denied=denied)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                yield event
