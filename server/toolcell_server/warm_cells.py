"""
Whole cells of one zygote, made before they are called for.

Theory of operation.  A cell in whose grant nothing is one call's own can be built to its last wall
in advance; then a call costs what it takes to tell the cell and to hear its answer.  Such cells are
kept by grant, as many as the demand asks for (`demand.py`).  Whoever finds none waits for the next,
in the order of arrival, so that a burst is served as fast as cells can be made.  Each serves one
call, like every cell.

What a call needs only afterwards is done when its answer has left: its cell is killed and taken to
pieces.  Others are made in its place when nobody has called for some milliseconds, so that a burst
has the host to itself; only when few are left, or none, are they made at once.

A cell that nobody calls for is ended after a while; with their zygote, which is another after every
change of a bundle or its settings, all of them end.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.hold import Hold
from toolcell_server.warm_kinds import USUAL, Kind, WarmCell, Warmth
from toolcell_server.zygote import ZygoteDied, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from toolcell_worker.wire import CellGrant

    from toolcell_server.slots import Slots
    from toolcell_server.zygote import Zygote

QUIET_SECONDS: Final = 0.005  # arbitrary; longer than a caller takes for its next call in a burst
KINDS: Final = 64  # arbitrary; grants of which cells are kept, the least recently called go first


class WarmCells:
    """
    Lives on one event loop, as long as its zygote.
    """

    def __init__(self, zygote: Zygote, slots: Slots, warmth: Warmth = USUAL) -> None:
        self._zygote = zygote
        self._warmth = warmth
        self._slots = slots
        self._kinds: dict[bytes, Kind] = {}  # the least recently called first
        self._known: dict[int, tuple[object, bytes, int]] = {}  # grants, packed, by id
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def ready(self) -> int:
        """
        How many wait for a call.
        """
        return sum(len(kind.ready) for kind in self._kinds.values())

    def take(self, kind: Kind) -> WarmCell | None:
        """
        A cell of that kind that is ready, the caller's to end; nothing if none is: then `next`.
        """
        kind.demand.call(time.monotonic())
        return self._ready(kind)

    async def next(self, kind: Kind) -> WarmCell:
        """
        The next cell of that kind, the caller's to end.

        Raises:
            ZygoteDied, ZygoteFailed: there is none.
        """
        if cell := self._ready(kind):  # it came since `take`
            return cell
        mine: asyncio.Future[WarmCell] = asyncio.get_running_loop().create_future()
        kind.waiting.append(mine)
        self._refill(kind)
        try:
            return await mine
        except ZygoteDied:
            await self._zygote.died.wait()  # see `Lease.open`
            raise
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._keep(kind, mine.result())  # it came while we were being cancelled
            with contextlib.suppress(ValueError):
                kind.waiting.remove(mine)
            raise

    def _ready(self, kind: Kind) -> WarmCell | None:
        while kind.ready:
            cell = kind.ready.popleft()
            if not cell.is_dead:
                if kind.has_few:
                    self._refill(kind)
                self._refill_when_quiet(kind)
                return cell
            self.end_soon(cell)
        return None

    async def aclose(self) -> None:
        """
        End every cell, and wait until they are dead.
        """
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for kind in self._kinds.values():
            self._retire(kind, 0)
        self._kinds.clear()
        while self._tasks:  # what is being made has yet to be ended
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def kind(self, grant: object, as_told: Callable[[], CellGrant]) -> Kind:
        """
        The cells with this grant; `as_told` is asked for it as a cell is told, once as long as the
        grant is the same object.
        """
        known = self._known.get(id(grant))
        if known is None or known[0] is not grant:
            told = as_told()
            if len(self._known) >= KINDS:
                self._known.clear()
            known = self._known[id(grant)] = grant, told.pack(), told.result_bytes
        _, packed, result_bytes = known
        kind = self._kinds.pop(packed, None) or Kind(packed, result_bytes)
        self._kinds[packed] = kind
        if len(self._kinds) > KINDS:
            oldest = next(iter(self._kinds))
            self._retire(self._kinds.pop(oldest), 0)
        if self._sweep is None and not self._closed:
            self._sweep_later()
        return kind

    def _refill(self, kind: Kind) -> None:
        missing = len(kind.waiting)
        if not self._closed and self._kinds.get(kind.grant) is kind:
            wanted = kind.demand.wanted(time.monotonic(), self._warmth.seconds)
            missing += min(wanted, self._warmth.cells)
        for _ in range(missing - len(kind.ready) - kind.coming):
            kind.coming += 1
            self._start(self._make(kind))

    async def _make(self, kind: Kind) -> None:
        slot = self._slots.take()
        began = time.monotonic()
        try:
            hold = await Hold.warm(self._zygote, slot, kind.grant, kind.result_bytes)
        except BaseException as exc:
            self._slots.give_back(slot)
            if not isinstance(exc, Exception):
                raise
            if isinstance(exc, OSError):  # no descriptors, for one
                exc = ZygoteFailed("", exc.errno or 0, str(exc))
            kind.disappoint(exc)
            return
        finally:
            kind.coming -= 1
        kind.demand.made(time.monotonic() - began)
        self._keep(kind, WarmCell(hold, slot, kind))

    def _keep(self, kind: Kind, cell: WarmCell) -> None:
        if kind.serve(cell):
            return
        if self._closed or self._kinds.get(kind.grant) is not kind:
            self.end_soon(cell)
        else:
            kind.ready.append(cell)
            self._make_room()

    def _make_room(self) -> None:
        """
        End cells that were made in advance where there are too many; those first whose like was
        called longest ago.
        """
        for kind in self._kinds.values():
            excess = self.ready - self._warmth.cells
            if excess <= 0:
                return
            self._retire(kind, max(0, len(kind.ready) - excess))

    def _retire(self, kind: Kind, wanted: int) -> None:
        while len(kind.ready) > wanted:
            self.end_soon(kind.ready.popleft())

    def end_soon(self, cell: WarmCell) -> None:
        """
        As `end`, for whoever cannot wait.
        """
        self._start(self.end(cell))

    async def end_call(self, cell: WarmCell) -> None:
        """
        End a cell that had its call, and make another in its place, later.
        """
        await asyncio.shield(self._start(self._replace(cell)))

    async def _replace(self, cell: WarmCell) -> None:
        await self.end(cell)
        self._refill_when_quiet(cell.kind)

    def _refill_when_quiet(self, kind: Kind) -> None:
        if not kind.waits_for_quiet:
            kind.waits_for_quiet = True
            asyncio.get_running_loop().call_later(QUIET_SECONDS, self._refill_if_quiet, kind)

    def _refill_if_quiet(self, kind: Kind) -> None:
        kind.waits_for_quiet = False
        if time.monotonic() - kind.demand.last < QUIET_SECONDS and not kind.has_few:
            self._refill_when_quiet(kind)
        else:
            self._refill(kind)

    async def end(self, cell: WarmCell) -> None:
        """
        Kill a cell; its slot is another's only when it is gone.
        """
        cell.hold.cell.kill()
        with contextlib.suppress(ZygoteDied):
            await asyncio.shield(cell.hold.cell.reaped)
        cell.hold.close()
        self._slots.give_back(cell.slot)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _sweep_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(self._warmth.seconds / 4, self._sweep_now)

    def _sweep_now(self) -> None:
        """
        End what nobody calls for any more.
        """
        self._sweep = None
        now = time.monotonic()
        for kind in list(self._kinds.values()):
            wanted = kind.demand.wanted(now, self._warmth.seconds)
            self._retire(kind, wanted)
            if not (wanted or kind.coming or kind.waiting):
                del self._kinds[kind.grant]
        if self._kinds:
            self._sweep_later()
