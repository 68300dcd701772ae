"""
The runs of a server: begins them, finds them, ends them, and goes on with those of the last one.

Theory of operation.  A run is a task that belongs to the server; `Log` is all that others see of
it.  Runs that have ended or wait are in the database alone, and are read from there for whoever
asks.  A run that the server cannot go on with (its database fails, or an error of ours) stays
RUNNING in the database, and the next server goes on with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server import principal
from toolcell_server.refusals import (
    Draining,
    StoreFailed,
    WorkflowNotInterrupted,
)
from toolcell_server.storing import storing
from toolcell_server.workflows import definition as definitions
from toolcell_server.workflows import plan
from toolcell_server.workflows.aside import aside
from toolcell_server.workflows.finding import Finding
from toolcell_server.workflows.log import Log
from toolcell_server.workflows.opening import Opening
from toolcell_server.workflows.running import Running, Work
from toolcell_server.workflows.units import Units

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.asked import Asked
    from toolcell_server.workflows.callers import Callers
    from toolcell_server.workflows.calling import Calls
    from toolcell_server.workflows.checking import Checking
    from toolcell_server.workflows.definition import Call
    from toolcell_server.workflows.recording import Recording
    from toolcell_server.workflows.runs_store import Row, RunsStore

_NANOSECONDS: Final = 10**9
_LEAVING_SECONDS: Final = 0.5  # arbitrary; to write down what the last executions came to

_log = logging.getLogger(__name__)


class Desk:
    """
    Lives on one event loop.
    """

    def __init__(
        self,
        store: RunsStore,
        *,
        calls: Calls,
        checking: Checking,
        callers: Callers,
        recording: Recording,
        bounds: WorkflowSettings,
    ) -> None:
        self.store = store
        self._calls = calls
        self._checking = checking
        self._callers = callers
        self.finding = Finding(store, bounds)
        self._opening = Opening(checking, callers)
        self._recording = recording
        self._bounds = bounds
        self._logs: dict[str, Log] = {}  # of those that go on here
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: dict[str, str] = {}  # by whom

    @property
    def running(self) -> int:
        """
        How many runs go on.
        """
        return len(self._tasks)

    def recover(self) -> None:
        """
        Go on with what the last server did not end.

        Raises:
            StoreFailed: nobody can tell what that is.
        """
        with storing("go on with workflows"):
            for row in self.store.running():
                self._go_on(row, self._opened(row), self._callers.read(row.caller))

    def earlier(self, request_id: str, fingerprint: bytes) -> Log | None:
        """
        The run with the same `request_id`, if there is one.

        Raises:
            RequestIdReused: it was asked for something else.
            StoreFailed: nobody can tell.
        """
        row = self.finding.earlier(request_id, fingerprint)
        return self.log(row) if row else None

    def begin(self, asked: Asked) -> Log:
        """
        Begin a run of `principal.current()`, or find the one with the same `request_id`.

        Raises:
            RequestIdReused: that one was asked for something else.
            StoreFailed: it cannot be written down; it does not run.
            TooManyWorkflows: the caller has too many that have not ended.
        """
        if earlier := self.earlier(asked.request_id, asked.fingerprint):
            return earlier
        caller = principal.current()
        with storing("begin a workflow"):
            self.finding.check_room(caller)
            row = self._opening.row(asked, caller)
            first = self._opening.first(row.run_id, asked, caller)
            given = asked.definition_json, asked.inputs_json
            self.store.begin(row, *given, first.SerializeToString())
        self._recording.begun(row, asked.definition_json, caller)
        log = self._opened(row)
        self._go_on(row, log, caller)
        return log

    def log(self, row: Row) -> Log:
        """
        The log of a run, whether it goes on here or is over.
        """
        if log := self._logs.get(row.run_id):
            return log
        log = self._opened(row)
        if not log.rests:  # this server cannot go on with it
            log.broken = StoreFailed("go on with a workflow")
        return log

    async def cancel(self, row: Row) -> None:
        """
        End a run, and wait until it has ended.
        """
        by = principal.current().name
        if task := self._tasks.get(row.run_id):
            self._cancelled.setdefault(row.run_id, by)
            task.cancel()
            await asyncio.wait([task])
            return
        log = self.log(row)
        if log.progress.finished is None:  # it was interrupted
            _tell_cancelled(log, by)
            self._recording.ended(row, log.progress.finished)

    def resume(self, row: Row, decision: pb.ResumeDecision.ValueType) -> None:
        """
        Go on with a run that waits for a decision.

        Raises:
            WorkflowNotInterrupted: it does not.
        """
        log = self.log(row)
        if row.state != pb.WORKFLOW_RUN_STATE_INTERRUPTED or row.run_id in self._tasks:
            raise WorkflowNotInterrupted(row.run_id)
        by = principal.current()
        log.tell(resumed=pb.WorkflowResumed(decision=decision, principal=by.name))
        self._recording.resumed(row, by, decision)
        self._go_on(row, log, self._callers.read(row.caller))

    async def aclose(self) -> None:
        """
        Leave what goes on to the next server; after the executions have been drained.
        """
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks.values(), timeout=_LEAVING_SECONDS)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _go_on(self, row: Row, log: Log, caller: Principal) -> None:
        self._logs[row.run_id] = log
        with principal.calling(caller):
            task = asyncio.get_running_loop().create_task(self._run(row, log))
        self._tasks[row.run_id] = task
        task.add_done_callback(lambda task: self._done(task, row, log))

    async def _run(self, row: Row, log: Log) -> None:
        try:
            await self._run_on(row, log)
        except asyncio.CancelledError:
            if row.run_id not in self._cancelled or log.rests:
                raise
            _tell_cancelled(log, self._cancelled[row.run_id])

    async def _run_on(self, row: Row, log: Log) -> None:
        with storing("read a workflow"):
            definition, given = self.store.asked(row.run_id)
        found, problems = await aside(definitions.read, definition, self._bounds)
        if found is None or problems or any(plan.problems(found, self._bounds)):
            message = "its definition is no longer allowed: the operator's bounds have changed"
            state = pb.WORKFLOW_RUN_STATE_FAILED
            log.tell(finished=pb.WorkflowFinished(state=state, message=message))
            return
        said = {"labels": json.loads(row.labels), "session_id": row.session_id}

        def repeatable(call: Call) -> bool:
            return self._checking.repeatable(call, row.session_id)

        units = Units(log, self._calls, self._bounds, said, repeatable)
        inputs: dict[str, Any] = json.loads(given)
        work = Work(definition=found, inputs=inputs, log=log, units=units, bounds=self._bounds)
        await Running(work).run()

    def _done(self, task: asyncio.Task[None], row: Row, log: Log) -> None:
        del self._tasks[row.run_id], self._logs[row.run_id]
        self._cancelled.pop(row.run_id, None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.broken = log.broken or StoreFailed("go on with a workflow")
            _log.error("the workflow run %s cannot go on here", row.run_id, exc_info=error)
        elif not log.rests:  # the server is ending
            log.broken = Draining()
        elif log.progress.finished is not None:
            self._recording.ended(row, log.progress.finished)
        else:
            self._recording.interrupted(row)
        log.grown.ring()

    def _opened(self, row: Row) -> Log:
        with storing("read a workflow"):
            events = self.store.events(row.run_id)
        return Log(row.run_id, self.store, events, self._recording.told)


def _tell_cancelled(log: Log, by: str) -> None:
    message = f"cancelled by {by}" if by else "cancelled"
    state = pb.WORKFLOW_RUN_STATE_CANCELLED
    log.tell(finished=pb.WorkflowFinished(state=state, message=message))
