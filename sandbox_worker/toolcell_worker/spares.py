"""
Spares: cells forked in advance, up to where they need a grant.

Forking and mounts are most of what a call would wait for.  A spare serves one call, like every
cell.  One that is killed while it waits is buried when the kernel says so: until its parent has
waited for the tool's process, its init cannot end.
"""

from __future__ import annotations

import os
import select
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_worker import forking, wire
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from toolcell_worker.forking import Born, Forking, Spare

SPARES = 2  # arbitrary; one for the next call, one for the call after it


@dataclass(slots=True)
class Spares:
    """
    The spares of a zygote, whose `poller` tells of the end of each by its pidfd.
    """

    forking: Forking
    poller: select.epoll
    waiting: deque[Spare] = field(default_factory=deque)
    ends: dict[int, Spare] = field(default_factory=dict)  # by pidfd of the tool's process
    fork_failed: bool = False

    @property
    def enough(self) -> bool:
        return len(self.waiting) >= SPARES

    def breed(self) -> None:
        """
        Make one more, if there can be a further process.
        """
        try:
            spare = self.forking.spare()
            self.fork_failed = False
        except OSError:
            self.fork_failed = True
            return
        pidfd = os.pidfd_open(spare.born.tool)
        self.poller.register(pidfd, select.EPOLLIN)
        self.ends[pidfd] = spare
        self.waiting.append(spare)

    def hand_over(self, payload: bytes, descriptors: tuple[int, ...]) -> Born:
        """
        The processes of the spare that took what came with a SPAWN; one that was killed while it
        waited is passed over.

        Raises:
            OSError: none can be forked.
        """
        while True:
            fresh = not self.waiting
            spare = self.forking.spare() if fresh else self._next()
            with spare.handoff:
                try:
                    wire.send(spare.handoff, Frame.SPAWN, payload, descriptors)
                except OSError as exc:
                    forking.bury(spare.born)
                    killed = isinstance(exc, BrokenPipeError | ConnectionResetError)
                    if fresh or not killed:
                        raise
                else:
                    return spare.born

    def ended(self, pidfd: int) -> None:
        """
        The tool's process of one that waited has ended.
        """
        spare = self.ends[pidfd]
        self.waiting.remove(spare)
        self._let_go(pidfd)
        spare.handoff.close()
        forking.bury(spare.born)

    def _next(self) -> Spare:
        spare = self.waiting.popleft()
        self._let_go(next(pidfd for pidfd, each in self.ends.items() if each is spare))
        return spare

    def _let_go(self, pidfd: int) -> None:
        del self.ends[pidfd]
        self.poller.unregister(pidfd)
        os.close(pidfd)
