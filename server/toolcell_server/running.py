"""
One execution on its way through the executor chain, in a task that the server owns.

Theory of operation.  The task does not belong to the RPC that caused it: a stream may break, and
the execution goes on until its grace is over.  Whatever happens to the task, its done-callback is
called exactly once, and that is the one place that guarantees the ending: if the chain has not
told one (it raised, it stopped short, the task was cancelled before its first step), the callback
appends `lost`.  `Record.finish` takes the first ending and ignores any other.

An executor that is asked to stop and does not, or that tells its ending and does not return, is
given `ENDING_SECONDS`; then its task is cancelled.  The record ends at that moment even if the
task survives the cancel, because callers of CancelExecution and Run are waiting for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.endings import lost
from toolcell_server.executor import closing
from toolcell_server.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.record import Record

ENDING_SECONDS: Final = 10.0  # arbitrary; killing a cell takes milliseconds

_log = logging.getLogger(__name__)


class Running:
    """
    Runs one execution to its ending, which reaches the record exactly once, on every path.
    `remember` is called with the record as soon as it has, before anybody is told.
    """

    def __init__(
        self,
        execution: Execution,
        record: Record,
        *,
        heartbeat_seconds: float,
        ending_seconds: float = ENDING_SECONDS,
        remember: Callable[[Record], object] = lambda _: None,
    ) -> None:
        self.record = record
        self._execution = execution
        self._remember = remember
        self._heartbeat = Heartbeat(record, execution.accepted, heartbeat_seconds)
        self._ending_seconds = ending_seconds
        self._ending_timer: asyncio.TimerHandle | None = None
        self._wall_end: float | None = None
        self.task: asyncio.Task[None] | None = None

    def start(self, executor: Executor) -> asyncio.Task[None]:
        """
        Run it.  The task that is returned ends after the ending and all cleaning up.
        """
        self._heartbeat.start()
        self._execution.stop.then(self._asked_to_stop)
        self.task = asyncio.create_task(self._run(executor))
        self.task.add_done_callback(self._settle)
        return self.task

    async def _run(self, executor: Executor) -> None:
        async with closing(executor.execute(self._execution)) as events:
            async for event in events:
                if event.WhichOneof("event") == "finished":
                    self._finish(event)
                    return
                self._note_wall(event)
                self.record.append(event)
                if self.record.journal.is_full():
                    await self._room()

    def _note_wall(self, event: pb.ExecuteResponse) -> None:
        if event.WhichOneof("event") == "started":
            wall_seconds = self._execution.grant.limits.wall_seconds
            self._wall_end = asyncio.get_running_loop().time() + wall_seconds

    async def _room(self) -> None:
        """
        Keep the tool waiting for its readers, but not beyond its wall limit: then the executor
        has an ending to tell, and must be resumed to tell it.
        """
        try:
            async with asyncio.timeout_at(self._wall_end):
                await self.record.journal.room()
        except TimeoutError:
            self.record.journal.release()

    def _asked_to_stop(self) -> None:
        self.record.journal.release()
        self._limit_ending()

    def _finish(self, event: pb.ExecuteResponse) -> None:
        self._execution.end()
        self._end(event)
        self._limit_ending()

    def _end(self, event: pb.ExecuteResponse) -> None:
        self._heartbeat.stop()
        # Nobody is told of the ending before this turn of the loop is over.
        if self.record.finish(event):
            self._remember(self.record)

    def _limit_ending(self) -> None:
        if self._ending_timer is None:
            loop = asyncio.get_running_loop()
            self._ending_timer = loop.call_later(self._ending_seconds, self._give_up)

    def _give_up(self) -> None:
        self._lose("it was told to end and did not", None)
        if self.task:
            self.task.cancel()

    def _settle(self, task: asyncio.Task[None]) -> None:
        if self._ending_timer:
            self._ending_timer.cancel()
        self._execution.stop.ignore(self._asked_to_stop)
        error = None if task.cancelled() else task.exception()
        if error or not self.record.journal.finished:
            self._lose("its executor failed", error)
        self._execution.close()

    def _lose(self, what: str, error: BaseException | None) -> None:
        """
        Log what went wrong, and let it be the ending unless there is one.
        """
        error_id = secrets.token_hex(4)
        execution, tool = self._execution.execution_id, self._execution.tool.name
        _log.error(
            "error %s: execution %s of %s: %s", error_id, execution, tool, what, exc_info=error
        )
        self._end(_lost(error_id))


def _lost(error_id: str) -> pb.ExecuteResponse:
    message = f"the server failed to run the tool; error {error_id} in its log tells why"
    outcome = lost(pb.LOST_REASON_INTERNAL, message)
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome))
