"""
Ends an execution at its deadline: the call's `timeout`, or what its RPC's deadline left of it.

The wall limit of the run is another matter, and belongs to the cell; this one also covers the
queue and every attempt, so the layer stands above those that wait and retry.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.endings import timed_out
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor


@dataclass(frozen=True, slots=True)
class TimedExecutor:
    """
    Asks the executor underneath to stop at the deadline, and calls that ending `exceeded(timeout)`.

    Its ending is kept otherwise: usage, denials, output so far.  The first cause wins: whoever was
    asked to stop before the deadline stays `cancelled`, whatever ended by itself stays so.
    """

    base: Executor

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        deadline = _Deadline(execution)
        if deadline.has_passed():
            yield pb.ExecuteResponse(finished=pb.Finished(outcome=deadline.outcome()))
            return
        deadline.start()
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    if deadline.ended(event):
                        event.finished.outcome.CopyFrom(deadline.outcome())
                    yield event
        finally:
            deadline.cancel()


class _Deadline:
    """
    A timer that requests the stop without being resumed, and knows whether that was the cause.
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._timer: asyncio.TimerHandle | None = None
        self._is_cause = False

    def has_passed(self) -> bool:
        return self._left() <= 0

    def start(self) -> None:
        if self._execution.deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._left(), self._expire)

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def ended(self, event: pb.ExecuteResponse) -> bool:
        """
        Whether this is an ending that the deadline caused.
        """
        outcome = event.finished.outcome  # reading an absent message does not set it
        return self._is_cause and outcome.WhichOneof("kind") == "cancelled"

    def outcome(self) -> pb.Outcome:
        outcome = timed_out()
        if self._execution.deadline is not None:
            outcome.exceeded.allowed = self._execution.deadline - self._execution.accepted
        return outcome

    def _left(self) -> float:
        deadline = self._execution.deadline
        return math.inf if deadline is None else deadline - time.monotonic()

    def _expire(self) -> None:
        # The contract has no CancelReason for this ending, because it is not `cancelled`: the one
        # that is never sent stands for it until `finished` comes by.
        self._is_cause = self._execution.stop.request(pb.CANCEL_REASON_UNSPECIFIED)
