"""
Runs a tool that only reads once more, when our own side failed under it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb

from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor

ATTEMPTS: Final = 2
# A wall that cannot be built fails again, and an error of the server's own is to be reported.
_RETRIED: Final = frozenset({pb.LOST_REASON_ZYGOTE_DIED, pb.LOST_REASON_CELL_DIED})


@dataclass(frozen=True, slots=True)
class RetriedExecutor:
    """
    Retries an attempt that ended as `lost` with its zygote or its cell, once, and only if the
    tool's effects are `read_only`: anything else may have happened already.

    The next attempt begins at once: what it needs (another
    zygote) is waited for by the executor underneath.
    """

    base: Executor

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        for attempt in range(1, ATTEMPTS + 1):
            retrying = None
            numbered = execution
            if attempt != execution.attempt:
                numbered = dataclasses.replace(execution, attempt=attempt)
            async with closing(self.base.execute(numbered)) as events:
                async for event in events:
                    if attempt < ATTEMPTS and _may_retry(event, execution):
                        retrying = _retrying(attempt, event.finished.outcome)
                        break
                    yield event
            if retrying is None:
                return
            yield retrying


def _may_retry(event: pb.ExecuteResponse, execution: Execution) -> bool:
    outcome = event.finished.outcome  # reading an absent message does not set it
    return (
        outcome.WhichOneof("kind") == "lost"
        and outcome.lost.reason in _RETRIED
        and execution.tool.effects == "read_only"
        and execution.stop.reason is None
    )


def _retrying(attempt: int, outcome: pb.Outcome) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(
        retrying=pb.Retrying(attempt=attempt, outcome=outcome, delay=Duration())
    )
