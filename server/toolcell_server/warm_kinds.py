"""
Whole cells that wait for a call, by what they were granted.
"""

from __future__ import annotations

import math
import select
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.demand import IDLE_SECONDS, Demand

if TYPE_CHECKING:
    import asyncio

    from toolcell_server.hold import Hold

FEW: Final = 3  # arbitrary; with less than this part of what is wanted, more are made at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """
    What the operator lets idle cells cost: how many there may be for each bundle, all kinds
    together (0: none is made in advance), and for how many seconds after its last call a kind has
    some.
    """

    cells: int = 32
    seconds: float = IDLE_SECONDS


USUAL: Final = Warmth()


@dataclass(slots=True, eq=False)
class WarmCell:
    """
    A whole cell without a call, and the slot that it has until it is dead.
    """

    hold: Hold
    slot: int
    kind: Kind

    @property
    def is_dead(self) -> bool:
        """
        Whether anybody has killed it, by what the kernel says now.
        """
        cell = self.hold.cell
        poller = select.poll()
        poller.register(cell.pidfd, select.POLLIN)
        return cell.reaped.done() or bool(poller.poll(0))


@dataclass(slots=True, eq=False)
class Kind:
    """
    Cells of one grant: those that are ready, who waits for one, and how many are being made.
    """

    grant: bytes
    result_bytes: int
    demand: Demand = field(default_factory=Demand)
    ready: deque[WarmCell] = field(default_factory=deque)
    waiting: deque[asyncio.Future[WarmCell]] = field(default_factory=deque)
    coming: int = 0
    waits_for_quiet: bool = False  # before others are made

    @property
    def has_few(self) -> bool:
        """
        Whether the next callers may find none.
        """
        few = max(1, self.demand.wanted(time.monotonic(), math.inf) // FEW)
        return len(self.ready) < few

    def serve(self, cell: WarmCell) -> bool:
        """
        Give a cell to whoever has waited for longest; false if nobody waits.
        """
        first = self._first()
        if first is not None:
            first.set_result(cell)
        return first is not None

    def disappoint(self, error: Exception) -> None:
        """
        One cell could not be made: that is one caller's answer, or nobody's.
        """
        first = self._first()
        if first is not None:
            first.set_exception(error)

    def _first(self) -> asyncio.Future[WarmCell] | None:
        while self.waiting:
            first = self.waiting.popleft()
            if not first.done():
                return first
        return None
