"""
What one reader of a run is told: the run's own events, and among them those of its executions.

Theory of operation.  The reader walks the log.  When he comes by an execution its journal is read
beside the log, until its end; the ending of a unit is told after all of its execution's events.
Nobody waits for a reader but the tools that he reads.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2
from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.calls.produced import produced, whole_of
from toolcell_server.refusals import CallRefused
from toolcell_server.workflows.log import Executing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from toolcell_server.calls.produced import Put
    from toolcell_server.executions import Executions
    from toolcell_server.workflows.log import Log
    from toolcell_server.workflows.progress import Key


class Watching:
    """
    One reader of one run, from the event after that sequence on.
    """

    def __init__(self, log: Log, executions: Executions, after_sequence: int) -> None:
        self._log = log
        self._executions = executions
        self._after = after_sequence
        self._readings: dict[tuple[str, int | None, bool], asyncio.Task[None]] = {}

    def events(self) -> AsyncGenerator[pb.RunWorkflowResponse, None]:
        """
        All that happens; `finished` or `interrupted` is last.
        """
        return produced(self._read)

    async def _read(self, put: Put) -> None:
        async with asyncio.TaskGroup() as readings:
            position, sequence = 0, 0
            while True:
                while position < len(self._log.entries):
                    entry = self._log.entries[position]
                    position += 1
                    if isinstance(entry, Executing):
                        if sequence >= self._after:
                            reading = self._execution(entry, put)
                            self._readings[entry.key] = readings.create_task(reading)
                        continue
                    sequence = entry.sequence
                    await self._ended(entry)
                    if sequence > self._after:
                        await put(entry)
                if self._log.rests or self._log.broken:
                    break
                await self._log.grown.wait()
        if self._log.broken and not self._log.rests:
            raise self._log.broken

    async def _ended(self, event: pb.RunWorkflowResponse) -> None:
        """
        Wait until all is told of the execution that an event ends; of all, if it ends the run.
        """
        if event.WhichOneof("event") in ("finished", "interrupted"):
            await asyncio.gather(*self._readings.values())
        elif event.WhichOneof("event") in ("step_finished", "step_retrying"):
            item = event.item if event.HasField("item") else None
            if reading := self._readings.pop((event.step, item, event.compensation), None):
                await reading

    async def _execution(self, entry: Executing, put: Put) -> None:
        try:
            record = self._executions.get(entry.execution_id)
        except CallRefused:  # it ended long ago
            return
        async with aclosing(whole_of(record)) as events:
            async for data, _ in events:
                await put(self._told(entry.key, execution_pb2.ExecuteResponse.FromString(data)))

    def _told(self, key: Key, event: execution_pb2.ExecuteResponse) -> pb.RunWorkflowResponse:
        return pb.RunWorkflowResponse(
            run_id=self._log.run_id,
            time=event.time,
            step=key.step,
            item=key.item,
            compensation=key.compensation,
            execution=event,
        )
