"""
Counts executions by how they ended, and what they used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.executor import closing
from toolcell_server.statistics.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class MeteredExecutor:
    """
    Counts each execution of the executor underneath once.  One that stops without an ending is
    counted as lost, because that is what becomes of it.
    """

    base: Executor
    metrics: Metrics
    statistics: Statistics = field(default_factory=Statistics)

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        counted = False
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    if event.HasField("finished"):  # counted first: the reader stops at this one
                        counted = True
                        self._count(execution, event.finished)
                    yield event
        finally:
            if not counted:
                self._count(execution, pb.Finished())

    def _count(self, execution: Execution, finished: pb.Finished) -> None:
        usage, metrics = finished.usage, self.metrics.executions
        self.metrics.ended(execution.tool.label, outcomes.label(finished.outcome)).inc()
        self.statistics.count(execution, finished)
        # Without it no cell was built and nothing was used; of a host nobody knows what was.
        if finished.HasField("isolation") and not execution.tool.hosted:
            metrics.cpu_seconds.observe(outcomes.cpu_seconds(usage))
            metrics.memory_peak_bytes.observe(usage.memory_peak_bytes)
            metrics.of_stream["stdout"].inc(usage.stdout_bytes)
            metrics.of_stream["stderr"].inc(usage.stderr_bytes)
