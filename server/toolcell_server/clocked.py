"""
Measures the stages of an attempt, directly around the executor that builds the cell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ClockedExecutor:
    """
    Observes how long an attempt took in each stage: queue from acceptance to its turn, cell from
    there to `started`, run from there to `finished`.  A stage that did not end is not observed,
    and only the first attempt was queued.
    """

    base: Executor
    metrics: Metrics

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        begun = time.monotonic()
        if execution.attempt == 1:
            self._observe("queue", begun - execution.accepted)
        started = None
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                now = time.monotonic()
                if event.HasField("started"):
                    started = now
                    self._observe("cell", now - begun)
                elif event.HasField("finished") and started is not None:
                    self._observe("run", now - started)
                yield event

    def _observe(self, stage: str, seconds: float) -> None:
        self.metrics.executions.of_stage[stage].observe(seconds)
