"""
Places: how many run, how many wait, and in which order their turns come.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from scripted_executor import ScriptedExecutor, completed, execution
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.capacity import Capacity
from toolcell_server.queued import QueuedExecutor
from toolcell_server.refusals import NoCapacity

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

DEADLINE = 10.0


def test_beyond_the_queue_a_call_is_refused_at_once_and_told_when_to_retry() -> None:
    """
    UNAVAILABLE with a delay is what clients retry by themselves; an endless queue is not.
    """
    capacity = Capacity(running=2, queue=1)
    for name in ("a", "b", "c"):
        capacity.reserve(name)

    assert (capacity.running, capacity.waiting) == (2, 1)
    with pytest.raises(NoCapacity) as refused:
        capacity.reserve("d")

    assert refused.value.code == "UNAVAILABLE"
    assert refused.value.retry_delay_seconds > 0
    assert (capacity.running, capacity.waiting) == (2, 1)


def test_turns_come_in_the_order_of_the_reservations() -> None:
    """
    Nobody overtakes, whoever asks first for his turn and whoever gives up before.
    """

    async def scenario() -> list[str]:
        capacity = Capacity(running=1, queue=4)
        for name in ("first", "a", "b", "gives up", "c"):
            capacity.reserve(name)
        called: list[str] = []

        async def wait(name: str) -> None:
            await capacity.turn(name)
            called.append(name)
            capacity.release(name)

        waiting = [asyncio.create_task(wait(name)) for name in ("c", "b", "a")]
        await asyncio.sleep(0)
        assert called == []
        capacity.release("gives up")
        capacity.release("first")
        await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE)
        assert (capacity.running, capacity.waiting) == (0, 0)
        return called

    assert asyncio.run(scenario()) == ["a", "b", "c"]


def test_giving_a_place_back_twice_frees_it_once() -> None:
    """
    A place that is freed twice admits one execution too many, for ever.
    """
    capacity = Capacity(running=1, queue=1)
    capacity.reserve("a")
    capacity.reserve("b")
    capacity.release("a")
    capacity.release("a")
    capacity.release("never reserved")

    assert (capacity.running, capacity.waiting) == (1, 0)


def test_random_comings_and_goings_never_pass_the_bounds() -> None:
    """
    The bounds hold and no place is lost, whatever the order; the seed is fixed.
    """

    async def scenario() -> None:
        chance = random.Random(3)
        capacity = Capacity(running=3, queue=4)
        inside: list[str] = []
        refused = 0
        for number in range(3000):
            if chance.random() < 0.6:
                try:
                    capacity.reserve(str(number))
                    inside.append(str(number))
                except NoCapacity:
                    refused += 1
                    assert len(inside) == 7
            elif inside:
                capacity.release(inside.pop(chance.randrange(len(inside))))
            assert capacity.running == min(3, len(inside))
            assert capacity.waiting == len(inside) - capacity.running
        assert refused > 100

    asyncio.run(scenario())


@pytest.mark.parametrize(("running", "queue"), [(0, 1), (1, -1)])
def test_an_impossible_capacity_is_refused(running: int, queue: int) -> None:
    """
    A service that can run nothing must not start.
    """
    with pytest.raises(ValueError, match="at least"):
        Capacity(running, queue)


def _queued(capacity: Capacity) -> tuple[QueuedExecutor, ScriptedExecutor]:
    base = ScriptedExecutor(completed())
    return QueuedExecutor(base, capacity), base


def _reserved(capacity: Capacity) -> Execution:
    made = execution()
    capacity.reserve(made.execution_id)
    made.resources.callback(capacity.release, made.execution_id)
    return made


async def _outcome(executor: QueuedExecutor, of: Execution) -> str | None:
    events = [event async for event in executor.execute(of)]
    return events[-1].finished.outcome.WhichOneof("kind")


def test_an_execution_runs_when_the_one_before_it_is_closed() -> None:
    """
    The place belongs to the execution until everything of it is given back.
    """

    async def scenario() -> None:
        capacity = Capacity(running=1, queue=1)
        executor, base = _queued(capacity)
        first, second = _reserved(capacity), _reserved(capacity)
        waiting = asyncio.create_task(_outcome(executor, second))
        async with asyncio.timeout(DEADLINE):
            assert await _outcome(executor, first) == "completed"
            assert [begun.execution_id for begun in base.begun] == [first.execution_id]
            first.close()
            assert await waiting == "completed"
        second.close()
        assert (capacity.running, capacity.waiting) == (0, 0)

    asyncio.run(scenario())


def test_an_execution_that_is_stopped_in_the_queue_never_runs() -> None:
    """
    A caller who cancels while waiting must not find the effect later.
    """

    async def scenario() -> None:
        capacity = Capacity(running=1, queue=1)
        executor, base = _queued(capacity)
        first, second = _reserved(capacity), _reserved(capacity)
        waiting = asyncio.create_task(_outcome(executor, second))
        await asyncio.sleep(0)
        second.stop.request(pb.CANCEL_REASON_REQUESTED)
        async with asyncio.timeout(DEADLINE):
            assert await waiting == "cancelled"
        second.close()
        assert base.begun == []
        assert (capacity.running, capacity.waiting) == (1, 0)
        first.close()

    asyncio.run(scenario())
