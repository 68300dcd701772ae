"""
One cell that serves call after call of a session: an interpreter that keeps its state.

Theory of operation.  It is a cell as any, with the same walls, made for the grant of its first
call; its process is told the next call when it has ended one (the worker's `cell.py`).  What is
granted is granted once, so a call that would get something else needs another cell, and the state
is lost.

Between two calls its processes are stopped (`pausing.py`): nobody looks at what they use, and
nobody reads what they say.  If there is something to be read when the next call comes, its tool has
spoken out of turn, and is not spoken to again.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import time
from typing import TYPE_CHECKING, Final, Self

from toolcell_worker.wire import PeerClosed, ProtocolError

from toolcell_server import last_look, pausing
from toolcell_server.lease import call_of
from toolcell_server.refusals import CallRefused
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.cells import Reaping
    from toolcell_server.execution import Execution
    from toolcell_server.grants import Grant
    from toolcell_server.hold import Hold
    from toolcell_server.pool import Pool

# Of its whole life; each call has a limit of its own, which the watchdog keeps.
_CPU_SECONDS: Final = 7 * 24 * 3600.0


class Interpreter:
    """
    Lives on one event loop, between calls as well.  `calls` counts those that it has begun.
    """

    def __init__(self, execution: Execution, hold: Hold, isolation: pb.IsolationReport) -> None:
        self._tool, self._grant = _tool_of(execution), kept_of(execution)
        self.hold = hold
        self.isolation = isolation
        self.calls = 0
        self.used = time.monotonic()
        self._listener: list[int] = []
        self._paused = contextlib.ExitStack()
        self._resources = contextlib.AsyncExitStack()

    @classmethod
    async def opened(cls, pool: Pool, execution: Execution) -> Self:
        """
        Make one; it has its first call already.

        Raises:
            StoppedWaiting: the execution was asked to stop before.
            ZygoteDied, ZygoteFailed: there is no cell.
        """
        async with contextlib.AsyncExitStack() as opening:
            resources = opening.enter_context(contextlib.ExitStack())
            grant = kept_of(execution)
            try:
                mounts = await pool.open(grant, execution.tool.bundle, resources)
            except CallRefused as exc:
                raise ZygoteFailed("", 0, str(exc)) from exc
            limits = dataclasses.replace(grant.limits, cpu_seconds=_CPU_SECONDS)
            its_own = dataclasses.replace(grant, limits=limits, mounts=mounts, stateful=True)
            first = dataclasses.replace(execution, grant=its_own, attempt=1)
            lease = await opening.enter_async_context(pool.lease(first))
            hold = await lease.open(first)
            opening.callback(hold.close)
            made = cls(execution, hold, lease.isolation)
            made._resources = opening.pop_all()
            return made

    def suits(self, execution: Execution) -> bool:
        """
        Whether the execution is of the same tool, as it is loaded now, and would get what was
        granted here.
        """
        return self._tool == _tool_of(execution) and self._grant == kept_of(execution)

    def is_silent(self) -> bool:
        """
        Whether it lives, and has said nothing since its last call.
        """
        try:
            return not self.hold.cell.reaped.done() and self.hold.channel.take() is None
        except (PeerClosed, ProtocolError, OSError):
            return False

    def go_on(self, execution: Execution) -> None:
        """
        Let it run, for this call.
        """
        self._paused.close()
        self.calls += 1
        if self.calls > 1:
            self.hold.tell(call_of(execution))

    def pause(self) -> None:
        """
        Let it run no more until the next call.
        """
        self.used = time.monotonic()
        self._paused.enter_context(pausing.paused(*self.hold.cell.pids))

    def account(self) -> Reaping | None:
        """
        What it has used until now; nothing if it has ended.
        """
        return last_look.so_far(self.hold.cell.pids[1])

    def keep(self, listener: int) -> None:
        """
        Keep the listener of its filter, which each call listens to.
        """
        self._listener.append(os.dup(listener))

    def listener(self) -> tuple[int, ...]:
        """
        The listener for one call more, which closes it; none, if nobody observes.
        """
        return tuple(map(os.dup, self._listener))

    async def aclose(self) -> None:
        """
        End it, and give back what it had.
        """
        cell = self.hold.cell
        cell.kill()
        self._paused.close()
        if not cell.reaped.done():
            with contextlib.suppress(Exception):  # its zygote died, and the cell with it
                await asyncio.shield(cell.reaped)
        for descriptor in self._listener:
            os.close(descriptor)
        self._listener.clear()
        await self._resources.aclose()


def kept_of(execution: Execution) -> Grant:
    """
    What an execution gets, but for what is counted anew in each call.
    """
    limits = execution.grant.limits
    anew = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "output_bytes": 1, "file_operations": 0}
    same = dataclasses.replace(limits, **anew)  # type: ignore[arg-type]  # names of its fields
    return dataclasses.replace(execution.grant, limits=same, mounts=())


def _tool_of(execution: Execution) -> tuple[object, ...]:
    tool = execution.tool
    return tool.bundle, tool.name, tool.version, tool.carried, tool.generation
