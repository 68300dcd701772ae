"""
Runs a step once for each item of a list.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.workflows import plan, templates, values
from toolcell_server.workflows.aside import aside
from toolcell_server.workflows.definition import CONTINUE
from toolcell_server.workflows.problems import NotFilled
from toolcell_server.workflows.progress import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.workflows.definition import Step
    from toolcell_server.workflows.running import Running


async def run(running: Running, step: Step, given: Mapping[str, Any]) -> pb.StepFinished | None:
    """
    The ending of the whole step, with the list of the results; None: the run stops before.

    Raises:
        NotFilled: it is no list, or one that is too long.
    """
    items = await listed(step, given, running.work.bounds.items)
    within = asyncio.Semaphore(step.parallel or running.work.parallel)
    progress = running.work.log.progress

    async def one(index: int, item: Any) -> None:
        async with within:
            if not _has_failed(running, step, len(items)) or step.on_failure == CONTINUE:
                await running.unit(Key(step.name, index), step, of_item(given, index, item))

    async with asyncio.TaskGroup() as tasks:
        for index, item in enumerate(items):
            tasks.create_task(one(index, item))
    units = [progress.unit(Key(step.name, index)) for index in range(len(items))]
    failed = _has_failed(running, step, len(items))
    if running.waits or not (failed or all(unit.is_settled for unit in units)):
        return None
    results = [None if unit.ended is None else values.result(unit.ended) for unit in units]
    ending = pb.StepFinished(
        state=pb.STEP_STATE_FAILED if failed else pb.STEP_STATE_COMPLETED,
        result_json=values.encoded(results),
        result_left_out=any(
            unit.ended is not None and unit.ended.result_left_out for unit in units
        ),
    )
    return running.work.units.end(Key(step.name), ending)


async def listed(step: Step, given: Mapping[str, Any], most: int) -> list[Any]:
    """
    The items of a step's loop.

    Raises:
        NotFilled: it is no list, or one that is too long.
    """
    items = await aside(templates.filled, step.for_each, given)
    if not isinstance(items, list):
        raise NotFilled("NO_LIST", "for_each gives no list")
    if len(items) > most:
        raise NotFilled("TOO_MANY_ITEMS", f"for_each gives more than {most} items")
    return items


def of_item(given: Mapping[str, Any], index: int, item: Any) -> dict[str, Any]:
    """
    The values of one item.
    """
    return {**given, plan.ITEM: item, plan.INDEX: index}


def _has_failed(running: Running, step: Step, count: int) -> bool:
    units = running.work.log.progress.units
    ended = (units[key].ended for n in range(count) if (key := Key(step.name, n)) in units)
    return any(each is not None and each.state != pb.STEP_STATE_COMPLETED for each in ended)
