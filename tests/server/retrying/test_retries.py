"""
Whether, when and how often an attempt is followed by another.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import ScriptedExecutor, completed, execution, finished, kinds, lost, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.manifest import Retry
from toolcell_server.retrying import retries
from toolcell_server.retrying.budget import PER_SUCCESS, TOKENS, RetryBudget, Spender
from toolcell_server.retrying.retried import RetriedExecutor, wait

if TYPE_CHECKING:
    from toolcell_server.execution import Execution, Stop

TEMPORARY = finished(pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_TEMPORARY))
RETRYABLE = finished(pb.Outcome(failed=pb.Failed(), retryable=True))
USER = finished(pb.Outcome(failed=pb.Failed(), category=pb.ERROR_CATEGORY_USER))
TIMED_OUT = finished(
    pb.Outcome(exceeded=pb.Exceeded(), category=pb.ERROR_CATEGORY_TEMPORARY, retryable=True)
)
CANCELLED = finished(
    pb.Outcome(cancelled=pb.Cancelled(), category=pb.ERROR_CATEGORY_TEMPORARY, retryable=True)
)
ZYGOTE_DIED = lost(pb.LOST_REASON_ZYGOTE_DIED)
THREE = Retry(attempts=3, initial_seconds=1, maximum_seconds=5, multiplier=2, jitter=0.2)
SPENDER = Spender("echo", "1", "")


class Retried:
    """
    A retrying executor whose clock, chance and waiting are the test's.
    """

    def __init__(self, *events: Any) -> None:
        self.base = ScriptedExecutor(*events)
        self.waited: list[float] = []
        self.told: list[str] = []
        self.budget = RetryBudget()
        self.executor = RetriedExecutor(
            self.base,
            self.told.append,
            self.budget,
            clock=lambda: 100.0,
            chance=lambda: 0.5,
            wait=self._wait,
        )

    async def _wait(self, _stop: Stop, seconds: float) -> None:
        self.waited.append(seconds)

    def run(self, call: Execution) -> list[pb.ExecuteResponse]:
        async def whole() -> list[pb.ExecuteResponse]:
            return [event async for event in self.executor.execute(call)]

        return asyncio.run(whole())


def call(
    retry: Retry = THREE, *, effects: str = "read_only", idempotent: bool = False, **fields: Any
) -> Execution:
    made = execution(effects=effects, **fields)
    tool = dataclasses.replace(made.tool, retry=retry, idempotent=idempotent)
    return dataclasses.replace(made, tool=tool)


@pytest.mark.parametrize("ending", [TEMPORARY, RETRYABLE], ids=["temporary", "retryable"])
def test_each_attempt_waits_longer_than_the_one_before_and_the_last_ending_stands(
    ending: pb.ExecuteResponse,
) -> None:
    retried = Retried(started(), ending)
    events = retried.run(call())

    assert ["started", "retrying"] * 2 + ["started", "finished"] == kinds(events)
    assert [1, 2, 3] == [begun.attempt for begun in retried.base.begun]
    assert [1.0, 2.0] == retried.waited
    assert [1.0, 2.0] == [
        event.retrying.delay.ToNanoseconds() / 1e9 for event in events if event.HasField("retrying")
    ]
    assert ending == events[-1]


@pytest.mark.parametrize("ending", [USER, TIMED_OUT, CANCELLED, completed()])
def test_what_time_does_not_mend_is_not_tried_again(ending: pb.ExecuteResponse) -> None:
    assert ["finished"] == kinds(Retried(ending).run(call()))


def test_only_after_what_the_manifest_names() -> None:
    only_lost = dataclasses_retry(on=("lost",))
    only_temporary = dataclasses_retry(on=("temporary",))

    assert ["finished"] == kinds(Retried(TEMPORARY).run(call(only_lost)))
    assert ["finished"] == kinds(Retried(ZYGOTE_DIED).run(call(only_temporary)))
    assert 5 == len(Retried(ZYGOTE_DIED).run(call(only_lost))) * 2 - 1


def dataclasses_retry(**changes: Any) -> Retry:
    names = ("attempts", "initial_seconds", "maximum_seconds", "multiplier", "jitter")
    return Retry(**{**{name: getattr(THREE, name) for name in names}, **changes})


@pytest.mark.parametrize(
    ("effects", "idempotent", "tried"),
    [("read_only", False, 3), ("writes", True, 3), ("writes", False, 1), ("destructive", False, 1)],
)
def test_only_what_may_happen_twice_is_tried_again(
    effects: str, idempotent: bool, tried: int
) -> None:
    """
    A manifest that asks for more is refused when it is loaded; here it is refused once more.
    """
    retried = Retried(TEMPORARY)
    retried.run(call(effects=effects, idempotent=idempotent))

    assert tried == len(retried.base.begun)


def test_no_attempt_begins_beyond_the_deadline() -> None:
    """
    The ending that there is tells more than one that had no time.
    """
    early, late = Retried(TEMPORARY), Retried(TEMPORARY)

    assert ["finished"] == kinds(early.run(call(deadline=101.0)))
    assert ["no_time"] == early.told
    assert ["retrying", "finished"] == kinds(late.run(call(deadline=101.001)))
    assert ["temporary", "no_time"] == late.told


def test_a_stop_during_the_wait_ends_the_execution() -> None:
    retried = Retried(TEMPORARY)
    made = call()

    async def stopped(stop: Stop, _seconds: float) -> None:
        stop.request(pb.CANCEL_REASON_REQUESTED)

    retried.executor = dataclasses.replace(retried.executor, wait=stopped)
    events = retried.run(made)

    assert ["retrying", "finished"] == kinds(events)
    assert pb.CANCEL_REASON_REQUESTED == events[-1].finished.outcome.cancelled.reason
    assert 1 == len(retried.base.begun)


def test_waiting_ends_when_the_stop_is_requested() -> None:
    made = call()

    async def scenario() -> None:
        waiting = asyncio.create_task(wait(made.stop, 30))
        await asyncio.sleep(0)
        made.stop.request(pb.CANCEL_REASON_REQUESTED)
        await asyncio.wait_for(waiting, 25)

    asyncio.run(scenario())


def test_an_outage_does_not_multiply_its_load() -> None:
    """
    A hundred calls of a tool that is down are a hundred attempts, and a handful.
    """
    retried = Retried(TEMPORARY)
    for _ in range(100):
        retried.run(call())

    assert len(retried.base.begun) <= 100 + TOKENS
    assert "no_budget" in retried.told


def test_one_callers_failures_leave_the_budget_of_another() -> None:
    retried = Retried(TEMPORARY)
    for _ in range(10):
        retried.run(call(principal="mallory"))
    retried.base.begun.clear()
    retried.run(call(principal="alice"))

    assert 3 == len(retried.base.begun)


def test_a_dead_zygote_takes_no_budget_of_those_that_ran_in_it() -> None:
    retried = Retried(ZYGOTE_DIED)
    for _ in range(20):
        retried.run(execution(effects="read_only"))

    assert 40 == len(retried.base.begun)
    assert [] == retried.waited


def test_successes_fill_the_budget_again() -> None:
    budget = RetryBudget()
    for _ in range(5):
        budget.failed(SPENDER)
    empty = budget.allows(SPENDER)
    budget.succeeded(SPENDER)
    filled = budget.allows(SPENDER)
    for _ in range(round(TOKENS / PER_SUCCESS)):
        budget.succeeded(SPENDER)

    assert (False, True) == (empty, filled)
    assert not budget._tokens  # who works costs nothing


@pytest.mark.parametrize(
    ("attempt", "chance", "expected"),
    [(1, 0.5, 1.0), (2, 0.5, 2.0), (3, 0.5, 4.0), (4, 0.5, 5.0), (1, 0.0, 0.8), (9, 1.0, 6.0)],
)
def test_delays_grow_up_to_the_longest_and_stray_by_chance(
    attempt: int, chance: float, expected: float
) -> None:
    assert pytest.approx(expected) == retries.delay_seconds(THREE, attempt, chance)
