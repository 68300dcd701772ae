"""
What was taken is told that it is used, and what it used, on every way out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.duration_pb2 import Duration
from scripted_executor import execution, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.charged import ChargedExecutor
from toolcell_server.executor import closing
from toolcell_server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution

USAGE = pb.Usage(
    cpu_user=Duration(seconds=2),
    cpu_system=Duration(nanos=500_000_000),
    network_sent_bytes=100,
    network_received_bytes=11,
)


class Remembering:
    """
    What a gate took, and what it was told.
    """

    def __init__(self, *, counts_usage: bool = True) -> None:
        self.told: list[Any] = []
        self.counts_usage = counts_usage

    def begin(self) -> None:
        self.told.append("began")

    def charge(self, cpu_seconds: float, network_bytes: int) -> None:
        self.told.append((cpu_seconds, network_bytes))


class Saying:
    """
    An executor that yields these, raises what is an error, and waits for ever at None.
    """

    def __init__(self, *items: Any) -> None:
        self.items = items

    async def execute(self, _execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if item is None:
                await asyncio.Event().wait()
            yield item


def ended(usage: pb.Usage | None = USAGE, **outcome: Any) -> pb.ExecuteResponse:
    finished = pb.Finished(outcome=pb.Outcome(**outcome))
    if usage is not None:
        finished.usage.CopyFrom(usage)
    return pb.ExecuteResponse(finished=finished)


def told(
    *items: Any, most: int = 100, limits: Limits | None = None, counts_usage: bool = True
) -> list[Any]:
    """
    What was told of an execution of which `most` events are read.
    """
    taken = Remembering(counts_usage=counts_usage)
    one = execution(limits=limits, taken=(taken,))

    async def scenario() -> None:
        read = 0
        async with closing(ChargedExecutor(Saying(*items)).execute(one)) as events:
            async for _ in events:
                read += 1
                if read == most:
                    break

    asyncio.run(scenario())
    return taken.told


@pytest.mark.parametrize(
    "outcome",
    [
        {"completed": pb.Completed()},
        {"failed": pb.Failed()},
        {"exceeded": pb.Exceeded()},
        {"cancelled": pb.Cancelled()},
        {"violated": pb.Violated()},
    ],
    ids=lambda outcome: next(iter(outcome)),
)
def test_every_run_is_charged_what_was_measured_once(outcome: dict[str, Any]) -> None:
    """
    Also if it came to nothing.
    """
    assert told(started(), ended(**outcome)) == ["began", (2.5, 111)]


def test_a_reader_who_stops_at_the_ending_is_charged() -> None:
    """
    That is how it is read.
    """
    assert told(started(), ended(completed=pb.Completed()), None, most=2)[1:] == [(2.5, 111)]


def test_a_run_that_was_lost_is_charged_what_it_can_have_used() -> None:
    """
    Or a tool that kills its cell would run for nothing; never above its limit, never below what
    was measured.
    """
    limits = Limits(cpu_seconds=0.000_001)
    lost = ended(None, lost=pb.Lost())

    assert told(started(), lost, limits=limits) == ["began", (0.000_001, 0)]
    assert told(started(), ended(lost=pb.Lost()), limits=limits) == ["began", (2.5, 111)]


def test_an_executor_that_fails_is_charged_what_was_last_told() -> None:
    """
    The events of its usage are all that is left.
    """
    usage = pb.ExecuteResponse(usage=USAGE)

    with pytest.raises(OSError, match="broken"):
        told(started(), usage, OSError("broken"))
    assert told(started(), usage, most=2)[1:] == [(2.5, 111)]


def test_without_a_cell_nothing_was_used() -> None:
    """
    It did begin: the place in its windows is spent, because the server did its part.
    """
    assert told(ended(None, lost=pb.Lost())) == ["began", (0.0, 0)]


def test_what_counts_no_usage_is_told_that_the_call_runs_and_nothing_else() -> None:
    assert ["began"] == told(ended(completed=pb.Completed()), counts_usage=False)
