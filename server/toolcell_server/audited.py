"""
Leaves a record of each execution, and of each access that was denied to it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.audit.seen import Seen
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class AuditedExecutor:
    """
    Records how each execution of the executor underneath ended.  One that stops without an ending
    is recorded as lost, because that is what becomes of it.

    It stands outside what may answer in place of a run (a cache) or make several of one (retries):
    one execution is one record.  If a fallback ran in it, the record is of the fallback, and names
    the tool that had failed.
    """

    base: Executor
    auditing: Auditing

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        seen = Seen()
        self.auditing.begun(execution)
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    self._note(execution, seen, event)
                    yield event
        finally:
            if seen.finished is None:
                self._ended(execution, seen)

    def _note(self, execution: Execution, seen: Seen, event: pb.ExecuteResponse) -> None:
        match event.WhichOneof("event"):
            case "started":
                seen.attempts += 1
                seen.started = event.started
            case "fell_back":  # told before the other tool runs
                seen.fell_back = event.fell_back
                seen.ran = self.auditing.begun(execution)
            case "denied":
                seen.denials += 1
                self.auditing.denied(execution, seen.denials, event.denied)
            case "finished":  # noted first: the reader stops at this one
                seen.finished = event.finished
                seen.result = event.finished.result_json
                self._ended(execution, seen)

    def _ended(self, execution: Execution, seen: Seen) -> None:
        seen.seconds = time.monotonic() - execution.accepted
        self.auditing.ended(execution, seen)
