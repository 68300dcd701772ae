"""
Cells that are kept warm: real cells of a real zygote, with and without somebody who calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cells import cell_grant
from processes import await_end, descendants
from toolcell_server import host_ids
from toolcell_server.demand import FEWEST
from toolcell_server.slots import Slots
from toolcell_server.warm_cells import KINDS, WarmCells
from toolcell_server.warm_kinds import Kind, WarmCell, Warmth
from toolcell_server.zygote import Zygote, ZygoteDied, ZygoteFailed
from toolcell_worker.wire import Call, CellGrant, Frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

BUNDLE = str(Path(__file__).parents[1] / "sandbox_worker" / "bundle")
GRANT = cell_grant()
SECONDS = 30.0


class Counted(Slots):
    """
    Slots that know how many are taken, and that no two have one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken: set[int] = set()

    def take(self) -> int:
        slot = super().take()
        assert slot not in self.taken
        self.taken.add(slot)
        return slot

    def give_back(self, slot: int) -> None:
        self.taken.remove(slot)
        super().give_back(slot)


class Place:
    """
    A zygote and its warm cells.
    """

    def __init__(self, zygote: Zygote) -> None:
        self.zygote = zygote
        self.slots = Counted()
        self.cells = WarmCells(zygote, self.slots)

    async def take(self, grant: CellGrant = GRANT) -> WarmCell:
        kind = self.cells.kind(grant, lambda: grant)
        return self.cells.take(kind) or await self.cells.next(kind)

    async def value(self, cell: WarmCell, code: str = "result = 1") -> Any:
        """
        Have it run code; it is ended.
        """
        arguments = json.dumps({"code": code}).encode()
        deadline = time.monotonic() + SECONDS
        call = Call(deadline=deadline, tool="run_code", version="1", arguments=arguments)
        cell.hold.tell(call)
        try:
            while (message := await cell.hold.channel.receive()).kind != Frame.RESULT:
                assert message.kind in (Frame.BUILT, Frame.READY), message
            return message.json()
        finally:
            await self.cells.end_call(cell)

    async def until(self, happened: Callable[[], bool]) -> None:
        """
        Until what the kernel or the loop will bring about has happened; bounded by `within`.
        """
        while not happened():  # noqa: ASYNC110  # nobody could tell us
            await asyncio.sleep(0.001)

    async def settled(self, ready: int) -> None:
        """
        So many cells are there, and nothing is under way.
        """
        await self.until(lambda: self.cells.ready == ready == len(self.slots.taken))


@contextlib.asynccontextmanager
async def placed() -> AsyncIterator[Place]:
    ids = host_ids.spare_ids()
    identity = {"first": ids[0], "count": ids[1]} if ids else None
    told = {"bundle": "test", "path": BUNDLE, "identity": identity}
    zygote = await Zygote.start(told, "", SECONDS)
    pids = [zygote.process.pid, *descendants(zygote.process.pid)]
    place = Place(zygote)
    try:
        yield place
    finally:
        await place.cells.aclose()
        pids += descendants(zygote.process.pid)
        zygote.close()
        await zygote.wait_closed()
        await asyncio.to_thread(await_end, pids, SECONDS)
        assert set() == place.slots.taken


def within(scenario: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
    """
    And nothing is left afterwards: no process, slot or descriptor.
    """
    before = len(os.listdir("/proc/self/fd"))

    async def bounded() -> None:
        async with asyncio.timeout(SECONDS), placed() as place:
            await scenario(place)

    asyncio.run(bounded())
    assert before == len(os.listdir("/proc/self/fd"))


def kill(cell: WarmCell) -> None:
    os.kill(cell.hold.cell.pids[1], signal.SIGKILL)


def test_a_cell_is_made_for_whoever_finds_none_and_one_more_for_the_next() -> None:
    async def scenario(place: Place) -> None:
        cell = await place.take()
        await place.until(lambda: place.cells.ready == FEWEST)

        assert 1 + FEWEST == len(place.slots.taken)
        assert 1 == await place.value(cell)
        await place.settled(FEWEST)

    within(scenario)


def test_every_call_has_a_cell_to_itself() -> None:
    """
    One that was called is never another's, however fast they come.
    """

    async def scenario(place: Place) -> None:
        code = "import os; result = os.getuid()"
        seen = set()
        for _ in range(20):
            cell = await place.take()
            assert cell not in seen
            seen.add(cell)
            await place.value(cell, code)

    within(scenario)


def test_a_burst_is_served_in_the_order_of_arrival() -> None:
    """
    Nobody is overtaken, and nobody is forgotten.
    """

    async def scenario(place: Place) -> None:
        order: list[int] = []

        async def one(number: int) -> None:
            cell = await place.take()
            order.append(number)
            assert 1 == await place.value(cell)

        async with asyncio.TaskGroup() as tasks:
            for number in range(30):
                tasks.create_task(one(number))
        assert list(range(30)) == order

    within(scenario)


def test_a_cell_that_died_while_it_waited_is_passed_over() -> None:
    async def scenario(place: Place) -> None:
        await place.cells.end(await place.take())
        await place.settled(FEWEST)
        [kind] = place.cells._kinds.values()
        dead = kind.ready[0]
        kill(dead)
        await asyncio.wait([dead.hold.cell.reaped])
        cell = await place.take()

        assert dead is not cell
        assert 1 == await place.value(cell)
        await place.settled(FEWEST)

    within(scenario)


def test_cells_of_different_grants_are_different_cells() -> None:
    async def scenario(place: Place) -> None:
        code = "import resource; result = resource.getrlimit(resource.RLIMIT_NOFILE)[1]"
        grants = {count: cell_grant(open_files=count) for count in (40, 50)}
        for count in (40, 50, 40, 50):
            assert count == await place.value(await place.take(grants[count]), code)

    within(scenario)


def test_cells_that_nobody_calls_are_ended() -> None:
    """
    Their memory is worth more.
    """

    async def scenario(place: Place) -> None:
        place.cells._warmth = Warmth(seconds=0.2)
        await place.value(await place.take())
        await place.settled(FEWEST)
        await place.settled(0)

        assert {} == place.cells._kinds
        assert place.cells._sweep is None
        assert 1 == await place.value(await place.take())

    within(scenario)


def test_without_any_in_advance_every_call_has_one_made_for_it() -> None:
    async def scenario(place: Place) -> None:
        place.cells._warmth = Warmth(cells=0)
        for _ in range(3):
            assert 1 == await place.value(await place.take())
            await place.settled(0)

    within(scenario)


def test_the_kinds_that_were_called_longest_ago_go_first() -> None:
    """
    Callers choose limits: as many grants as they like must not fill the host.
    """

    async def scenario(place: Place) -> None:
        for number in range(KINDS + 3):
            await place.cells.end(await place.take(cell_grant(cpu_seconds=5.0 + number)))

        await place.until(lambda: all(kind.coming == 0 for kind in place.cells._kinds.values()))
        await place.until(lambda: place.cells.ready == len(place.slots.taken))
        assert Warmth().cells - FEWEST < place.cells.ready <= Warmth().cells
        assert KINDS == len(place.cells._kinds)

    within(scenario)


def test_whoever_is_cancelled_while_waiting_loses_no_cell_and_no_slot() -> None:
    async def scenario(place: Place) -> None:
        waiting = [asyncio.create_task(place.take()) for _ in range(8)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        left = await asyncio.gather(*waiting[1::2])
        await asyncio.gather(*waiting, return_exceptions=True)

        assert [1] * 4 == await asyncio.gather(*map(place.value, left))
        await place.until(lambda: place.cells.ready == len(place.slots.taken))

    within(scenario)


def test_a_cell_that_comes_while_its_caller_is_cancelled_is_kept() -> None:
    """
    The answer is there, and nobody has looked at it yet.
    """

    async def scenario(place: Place) -> None:
        waiting = asyncio.create_task(place.take())
        await asyncio.sleep(0)
        [kind] = place.cells._kinds.values()
        keep = place.cells._keep

        def keep_and_cancel(kind: Kind, cell: WarmCell) -> None:
            keep(kind, cell)
            waiting.cancel()

        place.cells._keep = keep_and_cancel  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await waiting

        await place.until(lambda: kind.coming == 0)
        assert place.cells.ready == len(place.slots.taken) == 1 + FEWEST

    within(scenario)


def test_with_its_zygote_every_cell_ends_and_whoever_waits_hears_it() -> None:
    async def scenario(place: Place) -> None:
        held = await place.take()
        await place.until(lambda: place.cells.ready == FEWEST)
        waiting = [asyncio.create_task(place.take()) for _ in range(4)]
        await asyncio.sleep(0)
        place.zygote.process.kill()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, WarmCell):
                await place.cells.end(answer)
        await place.cells.end(held)

        assert any(isinstance(answer, ZygoteDied) for answer in answers)
        assert all(isinstance(answer, WarmCell | ZygoteDied) for answer in answers)
        await place.cells.aclose()
        assert set() == place.slots.taken
        with pytest.raises(ZygoteDied):
            await place.take()

    within(scenario)


def test_a_cell_that_cannot_be_made_is_one_callers_answer() -> None:
    """
    No slot is lost over it, and others are served.
    """

    async def scenario(place: Place) -> None:
        wrong = cell_grant(counted=True)  # nobody could count here
        for _ in range(3):
            with pytest.raises(ZygoteFailed, match="count"):
                await place.take(wrong)
        assert 1 == await place.value(await place.take())
        await place.settled(FEWEST)

    within(scenario)


def test_a_cell_that_is_being_made_at_the_end_is_not_left_behind() -> None:
    async def scenario(place: Place) -> None:
        waiting = asyncio.create_task(place.take())
        await asyncio.sleep(0)
        closing = asyncio.create_task(place.cells.aclose())
        with contextlib.suppress(ZygoteDied, ZygoteFailed):
            await place.cells.end(await waiting)
        await closing

        assert set() == place.slots.taken

    within(scenario)
