"""
Runs one attack: control, cell, oracle, harmless call.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolcell_server.battery import control
from toolcell_server.battery.ground import Call, Ground
from toolcell_server.battery.verdict import BREACHED, VOID, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from toolcell_server.battery.attack import Attack, Traces
    from toolcell_server.battery.cells import Cells
    from toolcell_server.battery.session import Session

RACED = ("P", "R")
ABROAD = "N"
BESIDE_SECONDS = 10.0  # arbitrary; a cell prints its first line within milliseconds


class NotHere(Exception):  # noqa: N818  # names what happened
    """
    Raised by a plan when this host has nothing to plant it in; the attack is void.
    """


@dataclass(frozen=True, slots=True)
class Battery:
    """
    Runs attacks one after the other, each on fresh grounds.
    """

    cells: Cells
    session: Session

    async def run(self, attack: Attack) -> Verdict:
        """
        The verdict on one attack.  Attacks by processes and on resources race against a watchdog: a
        host that is busy with other things is no missing wall, so there it is harm if it is done
        twice of two times.
        """
        verdict = await self._once(attack)
        raced = attack.id.startswith(RACED)
        return await self._once(attack) if raced and verdict.verdict == BREACHED else verdict

    async def _once(self, attack: Attack) -> Verdict:
        try:
            outside = await self._control(attack)
            traces, harm = await self._cell(attack)
        except NotHere as exc:
            return Verdict(attack=attack, verdict=VOID, harm=(str(exc),))
        except Exception as exc:  # noqa: BLE001  # what was not tried has not held
            why = f"the attack could not be run: {type(exc).__name__}: {exc}"
            return Verdict(attack=attack, verdict=BREACHED, harm=(why,))
        return judge(attack, outside, traces, harm, await self._benign(attack))

    async def _benign(self, attack: Attack) -> str:
        if attack.id.startswith(ABROAD):
            return await self.cells.benign_abroad(self.session.internet)
        return await self.cells.benign()

    async def _control(self, attack: Attack) -> list[str]:
        with self._ground() as ground:
            plan = attack.plan(ground)
            ground.begin()
            traces = await control.run(attack, plan, ground)
            return attack.harm(ground, traces)

    async def _cell(self, attack: Attack) -> tuple[Traces, list[str]]:
        with self._ground() as ground:
            plan = attack.plan(ground)
            ground.begin()
            earlier = [await self._call(attack, call, ground) for call in ground.earlier]
            async with self._beside(attack, ground):
                crowd = [self._call(attack, call, ground) for call in ground.crowd]
                call = Call(attack.function, plan)
                traces, *others = await asyncio.gather(self._attack(attack, call, ground), *crowd)
            traces = replace(traces, earlier=tuple(one.result for one in (*earlier, *others)))
            await self.cells.at_rest()
            return traces, attack.harm(ground, traces)

    @contextlib.contextmanager
    def _ground(self) -> Iterator[Ground]:
        ground = Ground(self.session)
        try:
            yield ground
        finally:
            ground.close()

    async def _attack(self, attack: Attack, call: Call, ground: Ground) -> Traces:
        printed = asyncio.Event()
        running = asyncio.create_task(self._call(attack, call, ground, printed))
        if ground.when_ready:
            await printed.wait()
            ground.when_ready()
        return await running

    @contextlib.asynccontextmanager
    async def _beside(self, attack: Attack, ground: Ground) -> AsyncIterator[None]:
        """
        The neighbour, from when it has printed something until the attack has ended.
        """
        if ground.beside is None:
            yield
            return
        printed = asyncio.Event()
        running = asyncio.create_task(self._call(attack, ground.beside, ground, printed))
        try:
            async with asyncio.timeout(BESIDE_SECONDS):
                await printed.wait()
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _call(
        self, attack: Attack, call: Call, ground: Ground, printed: asyncio.Event | None = None
    ) -> Traces:
        arguments = {"attack": call.function, "plan": call.plan, "marker": ground.marker}
        tool, granted = _granted(attack, call, ground)
        return await self.cells.run(tool, {**arguments, **granted}, attack.limits, printed)


def _granted(attack: Attack, call: Call, ground: Ground) -> tuple[str, dict[str, list[str]]]:
    """
    The tool in which it runs, and the arguments by which that is granted something.
    """
    if attack.tool:
        return attack.tool, {}
    programs = "_with_programs" if attack.programs else ""
    if domains := call.domains or ground.domains:
        return f"attempt_abroad{programs}", {"domains": list(domains)}
    paths = {"reads": ground.reads, "writes": ground.writes, "stages": ground.stages}
    return f"attempt{programs}", paths
