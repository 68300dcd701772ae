"""
Answers the system calls that a cell's filter asks about, and says what they were.

Theory of operation.  A filter that asks (`toolcell_worker.walls.seccomp`) keeps the caller waiting
until we answer; the kernel makes none of these calls by itself, and when we are gone it makes them
fail.  So what is refused is seen here, whatever the tool says of it.  The answer to a refused call
is always an error.  The answer to a counted one (`toolcell_worker.wire.counted`) is always that it
goes on, until the budget is spent: that is no decision about it, the other walls stand behind.  A
process that ends asks, too, where it is the only one.

The tool decides how often it asks, and we serve others on the same loop.  Hence one notice at a
time, a burst that is free and a steady pace beyond it, in which the tool waits; and only so many
denials are told.  An answer waits for nobody: what is to be told is handed over, never awaited.

What a call names by a text (a path) is not told.  It lies in the tool's memory, and to read that
takes a lock that another thread of the tool may hold for as long as it likes; and it would be the
tool's words in the mouth of the server.

The kernel's interface waits when there is nothing to receive, and on older kernels even when every
process of the filter is dead; so the listener is polled before each notice.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import notices
from toolcell_worker.wire.counted import FILE_OPERATIONS

from toolcell_server import called
from toolcell_server.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.wire.notices import Notice

# Arbitrary; different ones, of one execution.  A few of each, so that none hides another.
MAXIMUM_DENIALS = 64
DENIALS_OF_A_KIND = 4
EXIT_CODE = 0xFF  # as much of it as anybody is told (_exit(2))


def nothing(*_: object) -> None:
    """
    What happens where nobody wants to know.
    """


class Observer:
    """
    Holds the listener of one cell until it is closed.  `tell` takes each denial that is new.
    `spent` is called at the first call beyond `budget`, `foreign` at a call of another
    architecture: such a call is never answered and never made, whoever is called ends the cell.
    `ending` is told the exit code of a process that is about to end, and says whether the cell is
    taken for ended with that: then it never goes on, and who said so ends it.
    `network` says whether the cell has one.
    """

    def __init__(
        self,
        listener: int,
        tell: Callable[[pb.Denied], None],
        budget: int = 0,
        *,
        spent: Callable[[], None] = nothing,
        foreign: Callable[[str], None] = nothing,
        ending: Callable[[int], object] = nothing,
        network: bool = False,
    ) -> None:
        self.denials: list[pb.Denied] = []
        self.refused = 0
        self.counted = 0
        self._listener = listener
        self._tell = tell
        self._budget = budget
        self._spent = spent
        self._foreign = foreign
        self._ending = ending
        self._network = network
        self._refusing = Pace(burst=64, per_second=1000)
        self._counting = Pace(burst=256, per_second=20_000)
        self._poller = select.poll()
        self._poller.register(listener, select.POLLIN)
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(listener, self._readable)

    def saw(self, operation: str) -> bool:
        """
        Whether that was refused.
        """
        return any(denied.operation == operation for denied in self.denials)

    def close(self) -> None:
        """
        Give the listener back.  Whoever still asks hears that there is no such call.
        """
        if self._listener < 0:
            return
        self._pause()
        if self._timer is not None:
            self._timer.cancel()
        os.close(self._listener)
        self._listener = -1

    def _pause(self) -> None:
        self._loop.remove_reader(self._listener)

    def _resume(self) -> None:
        self._timer = None
        if not self._over:
            self._loop.add_reader(self._listener, self._readable)

    def _readable(self) -> None:
        state = self._poller.poll(0)
        if not state:
            return
        if not state[0][1] & select.POLLIN:  # nobody can ask any more
            self._pause()
            return
        try:
            notice = notices.receive(self._listener)
        except OSError:  # unheard of; who asks must not wait for ever
            self.close()
            return
        wait = self._answer(notice) if notice is not None else 0.0
        if wait > 0:
            self._pause()
            self._timer = self._loop.call_later(wait, self._resume)

    def _answer(self, notice: Notice) -> float:
        """
        Returns:
            How long the next one has to wait.
        """
        if foreign := called.foreign(notice.machine, notice.number):
            self._never_answer()
            self._foreign(foreign)
            return 0.0
        call = called.describe(
            notice.machine, notice.number, notice.arguments, network=self._network
        )
        if call.name == "exit_group":
            self._end(notice)
            return 0.0
        if self._budget and call.name in FILE_OPERATIONS:
            self._count(notice)
            return self._counting.take(time.monotonic())
        self.refused += 1
        if not (self._network and _looks_for_cache(notice)):
            self._note(call)
        notices.refuse(self._listener, notice)
        return self._refusing.take(time.monotonic())

    def _end(self, notice: Notice) -> None:
        if self._ending(notice.arguments[0] & EXIT_CODE):
            self._never_answer()
        else:
            notices.go_on(self._listener, notice)

    def _count(self, notice: Notice) -> None:
        if self.counted < self._budget:
            self.counted += 1
            notices.go_on(self._listener, notice)
            return
        self._never_answer()
        self._spent()

    def _never_answer(self) -> None:
        """
        The cell is ended over this call, and asks no more.
        """
        self._over = True
        self._pause()

    def _note(self, call: called.Called) -> None:
        """
        Tell a denial that was not told yet.
        """
        alike = sum(denied.operation == call.operation for denied in self.denials)
        if len(self.denials) >= MAXIMUM_DENIALS or alike >= DENIALS_OF_A_KIND:
            return
        denied = pb.Denied(
            wall=pb.WALL_SECCOMP,
            operation=call.operation,
            target=call.target,
            reason=call.reason,
            evidence=pb.EVIDENCE_OBSERVED,
        )
        if denied not in self.denials:
            self.denials.append(denied)
            self._tell(denied)


def _looks_for_cache(notice: Notice) -> bool:
    """
    Told of each look-up of a name, it would be an alarm at every call that goes well.
    """
    return called.looks_for_cache(notice.machine, notice.number, notice.arguments)
