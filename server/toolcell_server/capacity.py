"""
How many executions run at once, and how many may wait for their turn.

Theory of operation.  Admission *reserves* a place for an execution, or refuses at once: a queue
without a bound only moves the refusal to where nobody expects it.  Whoever runs the execution then
waits for its *turn*; turns come in the order of the reservations.  The place is given back when
the execution is closed, exactly once, whatever happened in between; with it goes the turn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from toolcell_server.refusals import NoCapacity

RETRY_SECONDS: Final = 1.0  # arbitrary; about the time in which a busy server frees a place


class Capacity:
    """
    Counts places.  Used within one event loop.

    Raises:
        ValueError: fewer than one may run, or fewer than none may wait.
    """

    def __init__(self, running: int, queue: int) -> None:
        if running < 1:
            raise ValueError(f"at least one execution must be able to run, not {running}")
        if queue < 0:
            raise ValueError(f"at least 0 executions must be able to wait, not {queue}")
        self.maximum_running = running
        self.maximum_waiting = queue
        self._running: set[str] = set()
        self._waiting: OrderedDict[str, asyncio.Event] = OrderedDict()

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def reserve(self, execution_id: str) -> None:
        """
        Reserve a place, and the turn with it if a place is free now.

        Raises:
            NoCapacity: everything runs that may run, and everybody waits who may wait.
        """
        assert execution_id not in self._running, "an execution has one place"
        if self.running < self.maximum_running:
            self._running.add(execution_id)
        elif self.waiting < self.maximum_waiting:
            self._waiting[execution_id] = asyncio.Event()
        else:
            raise NoCapacity(RETRY_SECONDS)

    def waits(self, execution_id: str) -> bool:
        """
        Whether the turn of an execution is still to come.
        """
        return execution_id in self._waiting

    async def turn(self, execution_id: str) -> None:
        """
        Wait until a reserved execution may run.  It returns at once for one whose turn has come,
        and for one that has no place, because nobody will ever call it.
        """
        if execution_id in self._waiting:
            await self._waiting[execution_id].wait()

    def release(self, execution_id: str) -> None:
        """
        Give a place back.  It does nothing where there is none.
        """
        if execution_id in self._waiting:
            self._waiting.pop(execution_id).set()
        self._running.discard(execution_id)
        while self._waiting and self.running < self.maximum_running:
            first, called = self._waiting.popitem(last=False)
            self._running.add(first)
            called.set()
