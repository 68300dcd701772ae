"""
Runs one workflow to its end, or to where it has to wait, from wherever it is.

Theory of operation.  Every step is a task that waits for the steps it needs.  What has ended before
is taken from the log (`progress.py`) and not run again, so a run that is taken up by another server
walks the same graph and stops at what is left.  Three things stop a run: a step that fails and must
not, a call that nobody knows the outcome of, and the end of the server.  Then nothing more begins,
and what runs goes on to its end.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.workflows import compensating, expressions, looping
from toolcell_server.workflows.aside import aside
from toolcell_server.workflows.definition import COMPENSATE, CONTINUE
from toolcell_server.workflows.problems import NotFilled
from toolcell_server.workflows.progress import Key
from toolcell_server.workflows.units import Interrupted, Suspended
from toolcell_server.workflows.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.definition import Definition, Step
    from toolcell_server.workflows.log import Log
    from toolcell_server.workflows.units import Units

WHAT_TO_DO: Final = (
    "the server died over a call of {tool}, which must not be made twice, and nobody knows whether "
    "it ran; look at what it would have changed, then resume the run: retry, skip or fail"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    What is run, with what, and where it is written down.
    """

    definition: Definition
    inputs: Mapping[str, Any]
    log: Log
    units: Units
    bounds: WorkflowSettings

    @property
    def parallel(self) -> int:
        return min(self.definition.parallel or self.bounds.parallel, self.bounds.parallel)

    @property
    def seconds_left(self) -> float:
        asked, most = self.definition.timeout, self.bounds.duration_seconds
        end = self.log.progress.accepted_at + min(asked or most, most)
        return end - time.time()


class Running:
    """
    One run.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.values = Values(work.definition, work.inputs)
        self.slots = asyncio.Semaphore(work.parallel)
        self._progress = work.log.progress
        self._settled = {step.name: asyncio.Event() for step in work.definition.steps}
        self._failed: Step | None = None
        self._interrupted: Interrupted | None = None
        self._suspended = False

    @property
    def stopping(self) -> bool:
        """
        Whether no more calls begin.
        """
        return self.waits or (self._failed is not None and not self._progress.compensating)

    async def run(self) -> None:
        """
        Run it, and tell how it ended, or that it waits; nothing, if the next server goes on.

        Raises:
            ExceptionGroup: of `StoreFailed` and faults of ours.
        """
        try:
            async with asyncio.timeout(max(self.work.seconds_left, 0.0)):
                await self._steps()
                await self._compensate()
        except TimeoutError:
            self._finish(pb.WORKFLOW_RUN_STATE_FAILED, "it took longer than it may")
        else:
            await self._conclude()

    async def unit(self, key: Key, step: Step, given: Mapping[str, Any]) -> pb.StepFinished | None:
        """
        Run a unit in its turn.  None: it did not begin, or is not over, because the run stops.
        """
        async with self.slots:
            unit = self._progress.unit(key)
            if unit.is_settled or (self.stopping and unit.begun is None):
                return unit.ended
            try:
                return await self.work.units.run(key, step, given, stopping=lambda: self.stopping)
            except Interrupted as exc:
                self._interrupted = self._interrupted or exc
            except Suspended:
                self._suspended = True
        return None

    async def _steps(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for step in self.work.definition.steps:
                tasks.create_task(self._step(step))

    async def _step(self, step: Step) -> None:
        try:
            for need in step.needs:
                await self._settled[need].wait()
            await self._run_or_recall(step)
        finally:
            self._settled[step.name].set()

    async def _run_or_recall(self, step: Step) -> None:
        unit = self._progress.unit(Key(step.name))
        stopped = self.stopping or self._progress.compensating
        if unit.is_settled or (stopped and not self._progress.is_open(step.name)):
            ended = unit.ended
        else:
            ended = await self._run(step)
        if unit.skipped:
            self.values.skipped(step.name)
        elif ended is not None:
            self.values.ended(step.name, ended)
            if ended.state != pb.STEP_STATE_COMPLETED and step.on_failure != CONTINUE:
                self._failed = self._failed or step

    async def _run(self, step: Step) -> pb.StepFinished | None:
        key = Key(step.name)
        path = f"{step.path}/when"
        try:
            given = self.values.of(step)
            if step.when is not None and not await aside(expressions.holds, step.when, given):
                self.work.log.tell(key, step_skipped=pb.StepSkipped(when=step.when.text))
                return None
            if step.for_each is None:
                return await self.unit(key, step, given)
            path = f"{step.path}/for_each"
            return await looping.run(self, step, given)
        except NotFilled as exc:
            problem = pb.WorkflowProblem(path=path, code=exc.code, message=exc.message)
            ending = pb.StepFinished(state=pb.STEP_STATE_FAILED, problem=problem)
            return self.work.units.end(key, ending)

    async def _compensate(self) -> None:
        failed = self._failed
        if failed is None or failed.on_failure != COMPENSATE or self.waits:
            return
        if not self._progress.compensating:
            event = pb.WorkflowCompensating(failed_step=failed.name)
            self.work.log.tell(compensating=event)
        await compensating.run(self)

    @property
    def waits(self) -> bool:
        """
        Whether it cannot go on by itself, or not here.
        """
        return self._interrupted is not None or self._suspended

    async def _conclude(self) -> None:
        if self._suspended:
            return
        if self._interrupted is not None:
            self._tell_interrupted(self._interrupted)
        elif self._failed is not None:
            ended = self._progress.unit(Key(self._failed.name)).ended or pb.StepFinished()
            why = ended.problem.message or ended.refused.message or ended.outcome.message
            message = f"the step {self._failed.name} failed{f': {why:.500}' if why else ''}"
            self._finish(pb.WORKFLOW_RUN_STATE_FAILED, message, self._failed.name)
        else:
            try:
                outputs = await aside(self.values.outputs, self.work.bounds.result_bytes)
            except NotFilled as exc:
                message = f"the outputs cannot be filled in: {exc.message}"
                self._finish(pb.WORKFLOW_RUN_STATE_FAILED, message)
            else:
                state = pb.WORKFLOW_RUN_STATE_COMPLETED
                finished = pb.WorkflowFinished(state=state, outputs_json=outputs)
                self.work.log.tell(finished=finished)

    def _tell_interrupted(self, interrupted: Interrupted) -> None:
        last = self._progress.unit(interrupted.key).last
        told = pb.WorkflowInterrupted(
            message=WHAT_TO_DO.format(tool=last.tool if last else "a tool"),
            execution_id=interrupted.ending.execution_id,
        )
        self.work.log.tell(interrupted.key, interrupted=told)

    def _finish(
        self, state: pb.WorkflowRunState.ValueType, message: str, failed_step: str = ""
    ) -> None:
        not_compensated = sorted(set(self._progress.failed_compensations()))
        finished = pb.WorkflowFinished(
            state=state,
            message=message,
            failed_step=failed_step,
            not_compensated=not_compensated,
        )
        self.work.log.tell(finished=finished)
