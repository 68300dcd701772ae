"""
Answers executions of tools that only read with what the same execution returned before.

Theory of operation.  A tool asks for it (`cache_ttl_seconds`), and its effects allow it: they are
enforced (`effects.py`), so that not to run it changes nothing but the answer.  Whoever may not call
it never comes here, because rights, rates and approvals are gates of the admission; whoever may is
answered from what he himself was told, or, for a tool that says so (`cache_scope = "public"`), from
what anybody was.  What makes two executions the same is in `keys.py`, what makes an answer
old in `cache.py` and `file_marks.py`.

Kept is what completed, whole, without a denial (without what it was denied the answer might be
another), and without a `partial` event, because those are part of the answer and are not repeated.
Output and logs are of one run, and are not repeated either.  The age of an answer counts from
before its run: what it read may have changed while it ran.  A tool sees how much time its caller
left it and may make do with less, so what answers everybody must have had all of it.

`no_cache` reads nothing and keeps what comes: whoever wants it fresh makes it fresh for others.

It stands above the queue: an answer takes no turn.  The place that admission reserved is given back
at once, and teaches the forecast nothing of how long places are kept.  Two executions at one time
that are the same both run: to wait for another's answer would be to share its limits and its end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.caching import file_marks
from toolcell_server.caching import keys as cache_keys
from toolcell_server.caching.cache import Entry
from toolcell_server.effects import READ_ONLY
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from toolcell_server.caching.cache import Cache
    from toolcell_server.caching.file_marks import Mark
    from toolcell_server.caching.keys import Key
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.repeating_metrics import CacheMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedExecutor:
    """
    Answers from `cache`, and keeps in it what the executor underneath returns, for at most
    `longest_seconds`.  `unused` is told of an execution whose place was not needed.
    """

    base: Executor
    cache: Cache
    metrics: CacheMetrics
    unused: Callable[[str], None]
    longest_seconds: float
    clock: Callable[[], float] = time.monotonic
    file_clock: Callable[[], int] = time.time_ns

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        tool = execution.tool
        asks = tool.cache_ttl_seconds > 0 and tool.effects == READ_ONLY
        if not asks or len(execution.arguments) > cache_keys.MAXIMUM_ARGUMENTS:
            return self.base.execute(execution)
        return self._execute(execution)

    async def _execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        began, now = self.clock(), self.file_clock()
        marks = file_marks.marks_of(execution.grant.mounts)
        if marks is None:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    yield event
            return
        key = cache_keys.key_of(execution)
        if (result := self._find(key, execution, marks, began)) is not None:
            self.unused(execution.execution_id)
            if execution.approval is not None:  # it was given for one answer, and this is it
                execution.approval.begin(execution.execution_id)
            execution.close()
            yield _answer(result)
            return
        whole = file_marks.settled(marks, now)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                kind = event.WhichOneof("event")
                whole = whole and kind not in ("partial", "denied")
                if kind == "started":
                    whole = whole and self._has_all_its_time(execution)
                if kind == "finished" and whole and _is_whole(event.finished):
                    self._keep(key, execution, marks, event.finished.result_json, began)
                yield event

    def _find(
        self, key: Key, execution: Execution, marks: tuple[Mark, ...], now: float
    ) -> bytes | None:
        if execution.no_cache or execution.stop.reason is not None:
            return None
        found, result = self.cache.find(key, execution.tool, marks, now)
        self.metrics.looked_up[found].inc()
        return result if found == "hit" else None

    def _has_all_its_time(self, execution: Execution) -> bool:
        """
        Whether its caller left a public tool all the time that it may take.
        """
        if execution.deadline is None or execution.tool.cache_scope != cache_keys.PUBLIC:
            return True
        return self.clock() + execution.grant.limits.wall_seconds <= execution.deadline

    def _keep(
        self,
        key: Key,
        execution: Execution,
        marks: tuple[Mark, ...],
        result: bytes,
        began: float,
    ) -> None:
        if file_marks.marks_of(execution.grant.mounts) != marks:
            return  # it was changed while the tool read it
        expires = began + min(execution.tool.cache_ttl_seconds, self.longest_seconds)
        entry = Entry(execution.principal, execution.tool, marks, result, expires)
        self.cache.keep(key, entry, self.clock())


def _is_whole(finished: pb.Finished) -> bool:
    outcome = finished.outcome
    return outcome.HasField("completed") and not (outcome.denials or finished.truncated)


def _answer(result: bytes) -> pb.ExecuteResponse:
    """
    An ending for which nothing ran: no cell, no usage.
    """
    outcome = pb.Outcome(completed=pb.Completed())
    finished = pb.Finished(outcome=outcome, result_json=result, usage=pb.Usage(), cached=True)
    return pb.ExecuteResponse(finished=finished)
