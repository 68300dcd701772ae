"""
Tries a tool again, when that can do no harm and may help.

Theory of operation.  What may be tried again, and after what, is in `retries.py`, how much of it in
`budget.py`.  Each attempt has a cell of its own, and its `started` event; between two there
is a `retrying` event.  What a failed attempt has printed was streamed by then and stays; what it
has staged is gone with its cell, because only an attempt that completed is committed.

While it waits, the cell is gone and the place is kept: to give it back would be to ask for it again
in a queue that may refuse it, in the middle of a call.  A call waits for no longer than its
manifest says (a minute at most each time), never beyond its deadline, and not at all once it is
asked to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.executor import closing
from toolcell_server.retrying import retries
from toolcell_server.retrying.budget import RetryBudget, Spender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from toolcell_server.execution import Execution, Stop
    from toolcell_server.executor import Executor
    from toolcell_server.manifest import Retry


async def wait(stop: Stop, seconds: float) -> None:
    """
    Wait so long, or until the stop is requested.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.event.wait()


@dataclass(frozen=True, slots=True)
class RetriedExecutor:
    """
    Tries an execution of the executor underneath again, as its tool's manifest says.  `told` hears
    of each retry and of each that was not made: `lost`, `temporary`, `no_budget`, `no_time`.
    """

    base: Executor
    told: Callable[[str], None] = lambda _what: None
    budget: RetryBudget = field(default_factory=RetryBudget)
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    wait: Callable[[Stop, float], Awaitable[None]] = wait

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        policy = retries.policy_of(execution.tool)
        if policy is None:
            return self.base.execute(execution)
        return self._execute(execution, policy)

    async def _execute(
        self, execution: Execution, policy: Retry
    ) -> AsyncIterator[pb.ExecuteResponse]:
        for attempt in range(1, policy.attempts + 1):
            retrying = None
            numbered = execution
            if attempt != execution.attempt:
                numbered = dataclasses.replace(execution, attempt=attempt)
            async with closing(self.base.execute(numbered)) as events:
                async for event in events:
                    if event.HasField("finished"):
                        retrying = self._retrying(numbered, policy, event.finished.outcome)
                        if retrying is not None:
                            break
                    yield event
            if retrying is None:
                return
            yield pb.ExecuteResponse(retrying=retrying)
            if retrying.delay.ToNanoseconds():
                await self.wait(execution.stop, retrying.delay.ToNanoseconds() / 1e9)
                if execution.stop.reason is not None:
                    outcome = endings.cancelled(execution.stop.reason)
                    yield pb.ExecuteResponse(finished=pb.Finished(outcome=outcome))
                    return

    def _retrying(
        self, execution: Execution, policy: Retry, outcome: pb.Outcome
    ) -> pb.Retrying | None:
        """
        What is said of the next attempt; None: there is none.
        """
        spender = Spender(execution.tool.identity, execution.tool.version, execution.principal)
        if outcome.HasField("completed"):
            self.budget.succeeded(spender)
        cause, attempt = retries.cause(outcome), execution.attempt
        if cause not in policy.on or execution.stop.reason is not None:
            return None
        free = retries.is_free(cause, attempt)
        if not free:
            self.budget.failed(spender)
        if attempt >= policy.attempts:
            return None
        delay = retries.delay_seconds(policy, attempt, self.chance())
        if self.clock() + delay >= (execution.deadline or math.inf):
            self.told("no_time")
            return None
        if not free and not self.budget.allows(spender):
            self.told("no_budget")
            return None
        self.told(cause)
        waited = Duration()
        waited.FromNanoseconds(round(delay * 1e9))
        return pb.Retrying(attempt=attempt, outcome=outcome, delay=waited)
