"""
Tells what a call took that it runs, and what it has used.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.executor import closing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor

_CORES: Final = len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class ChargedExecutor:
    """
    Charges each attempt of the executor underneath once, by what the kernel and the egress measured
    of it: also one that failed, was killed or cancelled.

    It stands under the layers that wait and retry: what ends in the queue has not run, and each
    attempt has used its own.  An attempt whose end nobody saw, or whose cell was lost, is charged
    what it can have used at most in its time: or a tool that kills its cell would run for nothing.
    """

    base: Executor

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        for taken in execution.taken:
            taken.begin()
        seen = _Seen()
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    if execution.taken:
                        seen.note(event)
                        if event.HasField("finished"):  # now: the reader stops at this one
                            seen.charge(execution)
                    yield event
        finally:
            seen.charge(execution)


@dataclass(slots=True)
class _Seen:
    began: float | None = None
    usage: pb.Usage = field(default_factory=pb.Usage)
    known: bool = False
    charged: bool = False

    def note(self, event: pb.ExecuteResponse) -> None:
        match event.WhichOneof("event"):
            case "started":
                self.began = time.monotonic()
            case "usage":
                self.usage = event.usage
            case "finished":
                self.known = not event.finished.outcome.HasField("lost")
                if event.finished.HasField("usage"):
                    self.usage = event.finished.usage

    def charge(self, execution: Execution) -> None:
        if self.charged:
            return
        self.charged = True
        cpu_seconds = outcomes.cpu_seconds(self.usage)
        if self.began is not None and not self.known:
            # At a host nothing of ours is used, and nothing is measured.
            possible = 0 if execution.tool.hosted else (time.monotonic() - self.began) * _CORES
            cpu_seconds = max(cpu_seconds, min(possible, execution.grant.limits.cpu_seconds))
        network_bytes = self.usage.network_sent_bytes + self.usage.network_received_bytes
        for taken in execution.taken:
            taken.charge(cpu_seconds, network_bytes)
