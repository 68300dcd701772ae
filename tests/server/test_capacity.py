"""
Places: how many run, how many wait, and in which order their turns come.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from clocks import Clock
from scripted_executor import ScriptedExecutor, completed, execution
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.capacity import Capacity
from toolcell_server.concurrency import Load
from toolcell_server.queued import QueuedExecutor
from toolcell_server.refusals import NoCapacity
from toolcell_server.wanted import Wanted

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


def _experienced(clock: Clock, queue: int = 100, queue_seconds: float = 1000.0) -> Capacity:
    """
    One place, in which each of many executions took a second.
    """
    capacity = Capacity(1, queue, queue_seconds, clock=clock, load=lambda: None)
    for number in range(100):
        capacity.reserve(f"past-{number}", Wanted(tool="tool"))
        clock.now += 1.0
        capacity.release(f"past-{number}")
    return capacity


def _reserve_many(capacity: Capacity, name: str, seconds: float | None, clock: Clock) -> int:
    """
    Reserve until it is refused, and say how many were not.
    """
    deadline = None if seconds is None else clock.now + seconds
    for number in range(1000):
        try:
            capacity.reserve(f"{name}-{number}", Wanted(name, "tool", deadline))
        except NoCapacity:
            return number
    raise AssertionError("it is never refused")


def test_a_call_that_could_not_end_before_its_deadline_is_refused_at_once() -> None:
    """
    It would take a place, run, and be ended for nothing.
    """
    clock = Clock(1000.0)
    capacity = _experienced(clock)
    for name in ("runs", "waits", "waits too"):
        capacity.reserve(name, Wanted("somebody"))

    with pytest.raises(NoCapacity, match="before its deadline") as refused:
        capacity.reserve("tight", Wanted("other", "tool", clock.now + 2.0))
    capacity.reserve("ample", Wanted("other", "tool", clock.now + 4.0))

    assert refused.value.metadata == {"cause": "deadline"}
    assert refused.value.retry_delay_seconds == pytest.approx(3.0, rel=0.1)


def test_a_call_that_need_not_wait_is_not_refused_for_its_deadline() -> None:
    """
    What it makes of its time is its own affair.
    """
    clock = Clock(1000.0)
    capacity = _experienced(clock)
    capacity.reserve("hopeless", Wanted("somebody", "tool", clock.now + 0.01))

    assert capacity.running == 1


def test_nobody_waits_longer_than_the_operator_wants() -> None:
    """
    Whoever cannot begin soon had better ask another server.
    """
    clock = Clock(1000.0)
    capacity = _experienced(clock, queue_seconds=5.0)

    assert _reserve_many(capacity, "somebody", None, clock) == 1 + 3
    assert _reserve_many(capacity, "other", None, clock) > 0
    with pytest.raises(NoCapacity, match="take too long"):
        capacity.reserve("one more", Wanted("somebody"))


def test_a_flood_with_tight_deadlines_leaves_time_to_others() -> None:
    """
    Time until a deadline is shared as places are.
    """
    clock = Clock(1000.0)
    capacity = _experienced(clock)

    assert _reserve_many(capacity, "flood", 20.0, clock) > 10
    assert _reserve_many(capacity, "quiet", 20.0, clock) > 0


def test_what_was_promised_comes_before_whose_turn_it_is() -> None:
    """
    Shares that come later take turns from those who were accepted with fewer.
    """
    clock = Clock(1000.0)
    capacity = _experienced(clock)
    capacity.reserve("runs", Wanted("somebody", "tool"))
    accepted = _reserve_many(capacity, "first", 8.0, clock)
    for name in ("b", "c", "d", "e"):
        capacity.reserve(name, Wanted(name, "tool"))
    capacity.reserve("b2", Wanted("b", "tool"))

    def running() -> str:
        return next(each for each in capacity._wanted if not capacity.waits(each))

    order, begun = [], {}
    for _ in range(accepted + 6):
        now_running = running()
        begun[now_running] = clock.now
        order.append(now_running)
        clock.now += 1.0
        capacity.release(now_running)

    assert capacity.waiting == capacity.running == 0
    assert accepted > 3
    # With turns alone its last would begin after all others: too late by its deadline.
    assert begun[f"first-{accepted - 1}"] + 1.0 <= 1000.0 + 100.0 + 8.0
    assert order.index("b") < order.index("first-1")


def test_under_overload_a_refusal_comes_before_anything_is_looked_at() -> None:
    """
    What is spent on those that are refused is taken from those that run.
    """
    clock = Clock(1000.0)
    capacity = Capacity(1, 0, clock=clock, load=lambda: None)
    capacity.check(Wanted())
    capacity.reserve("runs")
    capacity.check(Wanted())
    with pytest.raises(NoCapacity):
        capacity.reserve("refused")

    with pytest.raises(NoCapacity):
        capacity.check(Wanted())
    clock.now += 5.0
    capacity.check(Wanted())


def test_who_waits_is_called_when_the_host_bears_more_again() -> None:
    """
    If all that runs runs for hours, nobody gives a place back.
    """

    async def scenario() -> None:
        loads = [Load(runnable=1, available_bytes=0, total_bytes=2**30)]
        clock = Clock(1000.0)
        capacity = Capacity(4, 4, clock=clock, load=lambda: loads[-1])
        clock.now += 1.0
        capacity.reserve("runs")
        capacity.reserve("waits")
        assert (capacity.limit, capacity.waits("waits")) == (1, True)
        loads.append(Load(runnable=1, available_bytes=2**30, total_bytes=2**30))
        clock.now += 1.0
        async with asyncio.timeout(DEADLINE):
            await capacity.turn("waits")
        assert capacity.running == 2

    asyncio.run(scenario())


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


def test_a_place_that_was_not_needed_says_nothing_of_how_long_places_are_kept() -> None:
    """
    Or answers from a cache would promise everybody a short wait.
    """
    now = [0.0]
    capacity = Capacity(running=1, queue=1, clock=lambda: now[0])
    capacity.reserve("ran", Wanted("", "slow"))
    now[0] = 8.0
    capacity.release("ran")
    before = capacity._forecast.run_seconds("slow")
    for number in range(100):
        capacity.reserve(f"answered{number}", Wanted("", "slow"))
        capacity.unused(f"answered{number}")
        capacity.release(f"answered{number}")

    assert before == capacity._forecast.run_seconds("slow")
    assert (0, 0) == (capacity.running, len(capacity._forecast._began))
