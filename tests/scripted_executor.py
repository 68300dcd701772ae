"""
An executor whose events are under the test's control, and executions to run with it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from toolcell.v1 import execution_pb2 as pb
from toolcell_server.bell import Bell
from toolcell_server.endings import cancelled
from toolcell_server.execution import Execution
from toolcell_server.grants import Grant
from toolcell_server.limits import Limits
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable

    from toolcell_server.record import Record

DEADLINE = 10.0  # seconds; a test that waits longer has failed
SOON = 0.05  # seconds
Result = TypeVar("Result")
_numbers = itertools.count(1)


def execution(
    *, tool: str = "echo", effects: str = "writes", limits: Limits | None = None, **fields: Any
) -> Execution:
    number = next(_numbers)
    return Execution(
        execution_id=fields.pop("execution_id", f"execution-{number}"),
        tool=Tool(name=tool, bundle="test", version="1", effects=effects),
        grant=fields.pop("grant", Grant(limits=limits or Limits())),
        arguments=b"{}",
        accepted=time.monotonic(),
        **fields,
    )


def started() -> pb.ExecuteResponse:
    return pb.ExecuteResponse(started=pb.Started(attempt=1))


def output(data: bytes, stream: pb.OutputStream.ValueType = pb.OUTPUT_STREAM_STDOUT) -> Any:
    return pb.ExecuteResponse(output=pb.Output(stream=stream, data=data))


def completed(result: bytes = b"null") -> pb.ExecuteResponse:
    outcome = pb.Outcome(completed=pb.Completed())
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome, result_json=result))


def finished(outcome: pb.Outcome) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome))


def lost(reason: pb.LostReason.ValueType) -> pb.ExecuteResponse:
    return finished(pb.Outcome(lost=pb.Lost(reason=reason)))


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """
    Run a scenario; one that hangs fails.
    """

    async def bounded() -> Result:
        async with asyncio.timeout(DEADLINE):
            return await scenario

    return asyncio.run(bounded())


async def follow(record: Record, after_sequence: int = 0) -> list[pb.ExecuteResponse]:
    with record.attachments, record.journal.reader(after_sequence) as events:
        return [pb.ExecuteResponse.FromString(data) async for data in events]


def kinds(events: Iterable[Any]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


async def stalled(record: Record) -> None:
    """
    Wait until the producer waits for the readers of its journal.
    """
    bell = _ObservedBell()
    record.journal._read = bell
    if not record.journal.is_full():
        await bell.waited_for.wait()


class _ObservedBell(Bell):
    def __init__(self) -> None:
        super().__init__()
        self.waited_for = asyncio.Event()

    async def wait(self) -> None:
        self.waited_for.set()
        await super().wait()


class StopsShort:
    """
    Told to a script: the executor returns without an ending.
    """


class ScriptedExecutor:
    """
    Yields what it is told for each execution, raises the exceptions among it, and ends when asked
    to stop (unless it is `deaf`).  Without `tell`, it yields the events of `always`.
    """

    def __init__(self, *always: Any, deaf: bool = False) -> None:
        self.always = always
        self.deaf = deaf
        self.begun: list[Execution] = []
        self.has_begun = asyncio.Event()
        self.resumed: dict[str, int] = defaultdict(int)  # events that were taken
        self.closed: list[str] = []
        self._told: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def tell(self, execution: Execution, *items: Any) -> None:
        for item in items:
            self._told[execution.execution_id].put_nowait(item)

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        self.begun.append(execution)
        self.has_begun.set()
        if self.always:
            self.tell(execution, *(_copy(item) for item in self.always))
        try:
            while True:
                item = await self._next(execution)
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, StopsShort):
                    return
                yield item
                self.resumed[execution.execution_id] += 1
                if item.HasField("finished"):
                    return
        finally:
            self.closed.append(execution.execution_id)

    async def _next(self, execution: Execution) -> Any:
        told = self._told[execution.execution_id]
        if not told.empty() or self.deaf:
            return await told.get()
        if execution.stop.reason is not None:
            return finished(cancelled(execution.stop.reason))
        getting = asyncio.create_task(told.get())
        stopping = asyncio.create_task(execution.stop.event.wait())
        try:
            await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            return finished(cancelled(execution.stop.reason))
        finally:
            getting.cancel()
            stopping.cancel()


def _copy(item: Any) -> Any:
    if not isinstance(item, pb.ExecuteResponse):
        return item
    copy = pb.ExecuteResponse()
    copy.CopyFrom(item)
    return copy
