"""
Tells the breaker how executions ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.breaking.breaker import Breaker
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class GuardedExecutor:
    """
    It stands directly above the one that retries: what a retry has mended is no failure; and under
    the queue and the cache: who never ran says nothing of a tool.
    """

    base: Executor
    breaker: Breaker

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("finished"):
                    outcome = event.finished.outcome
                    self.breaker.note(execution.tool, execution.principal, outcome)
                yield event
