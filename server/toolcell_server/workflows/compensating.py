"""
Undoes what a failed run has done: the compensations of its completed steps, the last one first.

Theory of operation.  A compensation is a unit as any other, with the same rules after a crash.  One
that fails is told, and the others run all the same: half of an undoing is better than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.workflows import looping, values
from toolcell_server.workflows.problems import NotFilled

if TYPE_CHECKING:
    from toolcell_server.workflows.definition import Step
    from toolcell_server.workflows.progress import Key
    from toolcell_server.workflows.running import Running


async def run(running: Running) -> None:
    """
    Run what has not run yet; stops where the run has to wait.
    """
    progress = running.work.log.progress
    for key in reversed(list(progress.completed)):
        step = running.work.definition.step(key.step)
        looped = step.for_each is not None
        if step.compensate is None or looped != (key.item is not None):
            continue
        ending = progress.unit(key).ended
        if ending is None or not await _undo(running, step, key, ending):
            return


async def _undo(running: Running, step: Step, key: Key, ending: pb.StepFinished) -> bool:
    """
    Whether the run goes on.
    """
    compensation = key._replace(compensation=True)
    unit = running.work.log.progress.unit(compensation)
    if unit.is_settled:
        return True
    try:
        given = await _given(running, step, key, ending)
    except NotFilled as exc:
        problem = pb.WorkflowProblem(path=step.path, code=exc.code, message=exc.message)
        failed = pb.StepFinished(state=pb.STEP_STATE_FAILED, problem=problem)
        running.work.units.end(compensation, failed)
        return True
    return await running.unit(compensation, step, given) is not None


async def _given(running: Running, step: Step, key: Key, ending: pb.StepFinished) -> dict[str, Any]:
    given = {**running.values.of(step), step.name: values.result(ending)}
    if key.item is None:
        return given
    items = await looping.listed(step, given, running.work.bounds.items)
    return looping.of_item(given, key.item, items[key.item])
