"""
The innermost executor: one execution, one fresh cell, its events, one ending.

Theory of operation.  It runs in the consumer's task: it waits for a place, a cell and then the
cell's events (`attending.py`), each of which is handed on before the next is asked for.  What must
not wait for the consumer (clocks, kills, the cell's end) happens in callbacks of the loop.

When the cell has ended and all its events are taken, and only then, the ending is judged
(`endings.py`), staged files are put in place if the tool completed, and `finished` is the last
event.  Closing the generator kills the cell before it returns, and so gives back what it took.

A cell that was made before its call may be killed while it waits, and nobody know it yet.  As long
as it has not said that it has the call, the tool was not started, and another cell serves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings, staged_endings
from toolcell_server.attending import USAGE_SECONDS, Attending
from toolcell_server.keeper import KeeperDied, KeeperFailed
from toolcell_server.proxies import Proxy
from toolcell_server.result_check import check_result, withdraw
from toolcell_server.stopping import StoppedWaiting
from toolcell_server.ticker import Ticker
from toolcell_server.zygote import ZygoteDied, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.grants import OpenedMount
    from toolcell_server.pool import Pool
    from toolcell_server.validation import Validation
    from toolcell_server.watchdog import Watchdog


ANSWERING_SECONDS = 0.001  # arbitrary; an ending has left by then
MOST_CELLS = 3  # arbitrary; of those that died while they waited for a call, before one is lost


class SandboxedExecutor:
    """
    Runs an execution in a fresh cell of its bundle's zygote.
    """

    def __init__(
        self, pool: Pool, watchdog: Watchdog, validation: Validation, egress: Egress
    ) -> None:
        self._pool = pool
        self._egress = egress
        self._watchdog = watchdog
        self._validation = validation
        self._ticker = Ticker(USAGE_SECONDS)

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        cells, served, finished = 0, False, pb.Finished()
        while not served:
            cells += 1
            async with contextlib.AsyncExitStack() as resources:
                opened = await self._open(execution, resources)
                if isinstance(opened, pb.Outcome):
                    finished = pb.Finished(outcome=opened, usage=pb.Usage())
                    break
                try:
                    with opened.watched(self._watchdog, self._ticker):
                        while (event := await opened.events.get()) is not None:
                            yield event
                    finished = await opened.finished()
                finally:
                    await opened.until_reaped()
                while (event := opened.events.take()) is not None:
                    yield event
                await self._complete(execution, opened, finished)
                deaf = opened.hold.whole and opened.reckoning.never_began
                served = cells == MOST_CELLS or not deaf
                if served and opened.hold.cell.dismissed:
                    try:
                        yield pb.ExecuteResponse(finished=finished)
                    finally:
                        with contextlib.closing(opened):
                            await asyncio.sleep(ANSWERING_SECONDS)
                    return
        yield pb.ExecuteResponse(finished=finished)

    async def _open(
        self, execution: Execution, resources: contextlib.AsyncExitStack
    ) -> Attending | pb.Outcome:
        """
        A cell, or the outcome without one.
        """
        try:
            lease = await resources.enter_async_context(self._pool.lease(execution))
            proxied = lease.bare and execution.grant.domains
            proxy = resources.enter_context(Proxy.opened()) if proxied else None
            hold = await lease.open(execution, proxy)
        except StoppedWaiting:
            return endings.cancelled(execution.stop.reason)
        except (ZygoteDied, ZygoteFailed) as exc:
            return no_cell(exc)
        if lease.warm is None:  # or whoever has made it closes it, when nobody waits for that
            resources.callback(hold.close)
        attending = Attending(execution, hold, lease.isolation, self._egress, proxy)
        resources.callback(attending.close)
        return attending

    async def _complete(
        self, execution: Execution, attending: Attending, finished: pb.Finished
    ) -> None:
        await check_result(self._validation, execution.tool, finished)
        if finished.outcome.HasField("completed"):
            await self._commit(execution, attending.staging, finished)

    async def _commit(
        self, execution: Execution, staging: dict[str, int], finished: pb.Finished
    ) -> None:
        """
        Put staged files in place.  The first that cannot be ends the execution.
        """
        with contextlib.ExitStack() as resources:
            found: list[tuple[OpenedMount, int]] = []
            for opened in execution.grant.mounts:
                if opened.path.access != pb.PATH_ACCESS_STAGED:
                    continue
                try:
                    staged = staged_file(opened.path.path, staging, resources)
                except OSError:
                    withdraw(finished, staged_endings.left_no_file(opened.path.path))
                    return
                found += [(opened, staged)] if staged is not None else []
            # Holes take no room in the cell, and all of it in a copy.
            if sum(os.fstat(s).st_size for _, s in found) > execution.grant.limits.disk_bytes:
                withdraw(finished, endings.exceeded("disk", execution.grant.limits))
                return
            if (review := execution.review) is not None:
                if outcome := await review.look(found):
                    withdraw(finished, outcome)
                    return
                found = found if review.commits else []
            for opened, staged in found:
                if outcome := await self._put_in_place(opened, staged):
                    withdraw(finished, outcome)
                    return
                finished.committed_paths.append(opened.path.path)

    async def _put_in_place(self, opened: OpenedMount, staged: int) -> pb.Outcome | None:
        """
        The outcome if it is not in place, or if nobody can tell.
        """
        path = opened.path.path
        try:
            why = await self._pool.keeper.commit(opened.path, opened.expected, staged)
        except KeeperDied:
            return staged_endings.outcome_unknown(path)
        except KeeperFailed as exc:
            why = str(exc)
        return staged_endings.not_committed(path, why) if why else None


def staged_file(path: str, staging: dict[str, int], resources: contextlib.ExitStack) -> int | None:
    """
    What the tool, which is dead by now, left under a staged path; nothing if it left nothing.

    Raises:
        OSError: what it left is no file, or cannot be opened.
    """
    folder, name = os.path.split(path)
    # Non-blocking: it may be a fifo.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=staging[folder])
    except FileNotFoundError:
        return None
    resources.callback(os.close, descriptor)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "not a file", path)
    return descriptor


def no_cell(exc: ZygoteDied | ZygoteFailed) -> pb.Outcome:
    """
    The outcome of an execution for which no cell could be made.
    """
    if isinstance(exc, ZygoteDied):
        return endings.zygote_died()
    reason = pb.LOST_REASON_WALL_NOT_BUILT if exc.wall else pb.LOST_REASON_CELL_DIED
    return endings.lost(reason, f"no cell could be made: {exc}", exc.wall)
