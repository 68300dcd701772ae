"""
Runs the fallback of a tool that has failed, in the same execution.

Theory of operation.  A fallback does by other means what the tool was to do.  So it runs only if
that was not done: the tool was not started, or what it did changed nothing (`read_only`) or may be
done again (`idempotent`).  A tool that writes may have written before it was lost, and nobody would
know that it happened twice.

It runs after every attempt of the tool, once, within the same deadline and under the same stop.
The first one's place and whatever else it holds are given back before the second is admitted: an
execution has one place at a time, even if that means that there is none for its fallback.  A
fallback that is refused leaves the ending as it was, with a warning.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.effects import READ_ONLY
from toolcell_server.executor import closing
from toolcell_server.refusals import CallRefused
from toolcell_server.retrying import retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.tool import Tool

_NEVER_STARTED: Final = frozenset({pb.LOST_REASON_WALL_NOT_BUILT, pb.LOST_REASON_CELL_DIED})
_MAY_BE_DONE: Final = frozenset({pb.LOST_REASON_NOT_COMMITTED, pb.LOST_REASON_OUTCOME_UNKNOWN})


@dataclass(frozen=True, slots=True)
class FellBackExecutor:
    """
    Runs executions of the executor underneath, and the fallbacks of those that fail.  `told` hears
    why one was used: `refused`, `lost`, `temporary`.

    It stands above the queue and the cache, which serve the fallback as any other execution, and
    under the layer that ends an execution at its deadline.
    """

    base: Executor
    told: Callable[[str], None] = lambda _why: None

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if execution.instead_of is not None:
            self.told("refused")
            return self._run(execution, execution.instead_of)
        if execution.fallback is None:
            return self.base.execute(execution)
        return self._execute(execution)

    async def _execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        failed = None
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("finished") and self._falls_back(execution, event.finished):
                    failed = event
                    break
                yield event
        if failed is None:
            return
        execution.close()
        assert execution.fallback is not None
        try:
            fallback = await execution.fallback(execution)
        except CallRefused as refusal:
            said = f"the tool's fallback could not be used: {refusal.reason}"
            failed.finished.warnings.add(reason="FALLBACK_REFUSED", message=said)
            yield failed
            return
        with contextlib.closing(fallback):
            assert fallback.instead_of is not None
            fallback.instead_of.outcome.CopyFrom(failed.finished.outcome)
            self.told(cause(failed.finished.outcome))
            running = self._run(fallback, fallback.instead_of, fallback.reports)
            async with closing(running) as events:
                async for event in events:
                    yield event

    async def _run(
        self, execution: Execution, instead_of: pb.FellBack, reports: Sequence[pb.Denied] = ()
    ) -> AsyncIterator[pb.ExecuteResponse]:
        yield pb.ExecuteResponse(fell_back=instead_of)
        for denied in reports:  # the layer that tells them knows the first tool's alone
            yield pb.ExecuteResponse(denied=denied)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("finished"):
                    execution.end()
                    said = f"{execution.tool.name} ran in place of {instead_of.tool}"
                    event.finished.warnings.add(reason="FELL_BACK", message=said)
                yield event

    def _falls_back(self, execution: Execution, finished: pb.Finished) -> bool:
        return execution.stop.reason is None and may_fall_back(execution.tool, finished.outcome)


def cause(outcome: pb.Outcome) -> str:
    """
    `lost` or `temporary`; empty: another tool would fare no better.
    """
    return "lost" if outcome.HasField("lost") else retries.cause(outcome)


def may_fall_back(tool: Tool, outcome: pb.Outcome) -> bool:
    """
    Whether a fallback may do what this tool was to do, after such an ending.
    """
    if not cause(outcome):
        return False
    if tool.effects == READ_ONLY:
        return True
    if tool.idempotent:
        return not outcome.HasField("lost") or outcome.lost.reason not in _MAY_BE_DONE
    return outcome.HasField("lost") and outcome.lost.reason in _NEVER_STARTED
