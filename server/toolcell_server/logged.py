"""
One canonical line in the log for each execution.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoggedExecutor:
    """
    Logs each execution of the executor underneath once, when it ends; never its arguments, its
    output or its result.  One that stops without an ending is logged as lost.

    A line takes longer to write than the ending takes to reach its caller, who is waiting: so it
    is written in the turn of the loop after the one in which that is sent.
    """

    base: Executor

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        seen = _Seen()
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    seen.note(event)
                    if seen.finished is not None:  # noted first: the reader stops at this one
                        seen.seconds = time.monotonic() - execution.accepted
                        loop = asyncio.get_running_loop()
                        loop.call_soon(loop.call_soon, _write, execution, seen)
                    yield event
        finally:
            if seen.finished is None:
                seen.seconds = time.monotonic() - execution.accepted
                _write(execution, seen)


@dataclass(slots=True)
class _Seen:
    seconds: float = 0.0
    attempts: int = 0
    denials: int = 0
    reported_only: int = 0
    fallback: str = ""
    started: pb.Started = field(default_factory=pb.Started)
    finished: pb.Finished | None = None

    def note(self, event: pb.ExecuteResponse) -> None:
        match event.WhichOneof("event"):
            case "started":
                self.attempts += 1
                self.started = event.started
            case "denied" if event.denied.reported_only:
                self.reported_only += 1
            case "fell_back":
                self.fallback = event.fell_back.fallback
            case "denied":
                self.denials += 1
            case "finished":
                self.finished = event.finished


def _write(execution: Execution, seen: _Seen) -> None:
    finished = seen.finished or pb.Finished()
    outcome = outcomes.label(finished.outcome)
    level = logging.ERROR if outcome == "lost" else logging.INFO
    _log.log(level, "execution finished", extra={"fields": _fields(execution, seen, finished)})


def _fields(execution: Execution, seen: _Seen, finished: pb.Finished) -> dict[str, Any]:
    usage = finished.usage
    return {
        "execution_id": execution.execution_id,
        "call_id": execution.call_id,
        "request_id": execution.request_id,
        "principal": execution.principal,
        "tool": execution.tool.name,
        "version": execution.tool.version,
        "bundle": execution.tool.bundle,
        "outcome": outcomes.label(finished.outcome),
        "outcome_message": finished.outcome.message,
        "attempts": seen.attempts,
        "total_seconds": round(seen.seconds, 6),
        "queue_seconds": seen.started.queue_time.ToMicroseconds() / 1e6,
        "wall_seconds": usage.wall.ToMicroseconds() / 1e6,
        "cpu_seconds": round(outcomes.cpu_seconds(usage), 6),
        "memory_peak_bytes": usage.memory_peak_bytes,
        "stdout_bytes": usage.stdout_bytes,
        "stderr_bytes": usage.stderr_bytes,
        "arguments_bytes": len(execution.arguments),
        "result_bytes": finished.result_bytes,
        "denials": seen.denials + sum(map(_reported, finished.outcome.denials)),
        "reported_only": seen.reported_only,
        "truncated": finished.truncated,
        "cached": finished.cached,
        "fallback": seen.fallback,
        "preview": execution.preview,
    }


def _reported(denied: pb.Denied) -> bool:
    """
    What we saw ourselves was an event already.
    """
    return denied.evidence != pb.EVIDENCE_OBSERVED
