"""
Warns whoever calls a tool that is deprecated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.tool import Tool


@dataclass(frozen=True, slots=True)
class DeprecatedExecutor:
    """
    Runs executions of the executor underneath.  It stands above the fallbacks: who calls is told
    of what he called.
    """

    base: Executor

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if not execution.tool.deprecated:
            return self.base.execute(execution)
        return self._execute(execution)

    async def _execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("finished"):
                    said = warning(execution.tool)
                    event.finished.warnings.add(reason="TOOL_DEPRECATED", message=said)
                yield event


def warning(tool: Tool) -> str:
    """
    What is said about a deprecated tool.
    """
    said = f"{tool.name} in version {tool.version} is deprecated: {tool.deprecated}"
    if not tool.sunset:
        return said
    day = datetime.fromtimestamp(tool.sunset, UTC).isoformat(timespec="seconds")
    return f"{said}; it is refused from {day} on"
