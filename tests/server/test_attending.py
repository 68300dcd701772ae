"""
Attending a cell leaves nothing behind in memory.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from scripted_executor import execution
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.attending import Attending
from toolcell_server.ticker import Ticker
from toolcell_server.watchdog import Watchdog

if TYPE_CHECKING:
    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.hold import Hold


class FakeChannel:
    """
    A channel on which nothing comes.
    """

    def take(self) -> None:
        pass

    def listen(self, listener: object) -> None:
        pass

    def ignore(self) -> None:
        pass


@dataclass
class FakeCell:
    """
    A cell of no processes, which counts how often it is killed.
    """

    pids: tuple[int, int] = (-1, -1)
    group: None = None
    killed: int = 0
    dismissed: bool = False
    reaped: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def kill(self) -> None:
        self.killed += 1


@dataclass
class FakeHold:
    cell: FakeCell = field(default_factory=FakeCell)
    channel: FakeChannel = field(default_factory=FakeChannel)
    stdout: int = -1  # nobody reads
    stderr: int = -1
    whole: bool = False


def attending_of(call: Execution, hold: FakeHold) -> Attending:
    return Attending(call, cast("Hold", hold), pb.IsolationReport(), cast("Egress", None))


def test_the_stop_of_an_execution_does_not_keep_what_attended_it() -> None:
    """
    The stop lives as long as the record, an hour; output, result and descriptors must not.
    """

    async def scenario() -> object:
        call = execution()
        hold = FakeHold()
        attending = attending_of(call, hold)
        with attending.watched(Watchdog(), Ticker(1.0)):
            left = weakref.ref(attending)
        del attending, hold
        gc.collect()
        assert call.stop.reason is None
        return left()

    assert asyncio.run(scenario()) is None


def test_what_attended_a_cell_is_gone_at_once_and_waits_for_no_collector() -> None:
    """
    It holds a result of megabytes, and collections are rare.
    """

    async def scenario() -> object:
        attending = attending_of(execution(), FakeHold())
        left = weakref.ref(attending._hearing)
        with attending.watched(Watchdog(), Ticker(1.0)):
            pass
        attending.close()
        return left()

    gc.disable()
    try:
        assert asyncio.run(scenario()) is None
    finally:
        gc.enable()


def test_a_stop_during_the_run_ends_the_cell_and_one_after_it_does_not() -> None:
    """
    Whoever cancels an execution that has just ended must not kill what has its number by now.
    """

    async def scenario() -> tuple[int, int]:
        killed = []
        for during in (True, False):
            call, hold = execution(), FakeHold()
            with attending_of(call, hold).watched(Watchdog(), Ticker(1.0)):
                if during:
                    call.stop.request(pb.CANCEL_REASON_REQUESTED)
            call.stop.request(pb.CANCEL_REASON_REQUESTED)
            killed.append(hold.cell.killed)
        return killed[0], killed[1]

    assert (1, 0) == asyncio.run(scenario())
