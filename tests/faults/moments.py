"""
Something happens at an exact moment of another process: when it enters a certain system call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults.tracing import Tracer

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNEL = 3  # of a cell, once its descriptors are in their places
ON_CHANNEL = ("read", "write")


@dataclass
class Moment:
    """
    The `number`-th call with one of these names (0: none, only count), on its channel if it reads
    or writes; `then` is called while the process stands there.
    """

    names: tuple[str, ...]
    number: int
    then: Callable[[], None]
    seen: list[str] = field(default_factory=list)
    came: bool = False

    def born(self, tracer: Tracer, pid: int, parent: int) -> bool:
        return False

    def ended(self, tracer: Tracer, pid: int) -> None:
        """
        Nothing is left to be seen of it.
        """

    def entered(self, tracer: Tracer, pid: int, name: str, arguments: tuple[int, ...]) -> int:
        if name not in self.names or (name in ON_CHANNEL and arguments[0] != CHANNEL):
            return 0
        self.seen.append(name)
        if len(self.seen) == self.number:
            self.came = True
            self.then()
            tracer.calls[pid] = False
        return 0


def prepared(pid: int, moment: Moment) -> Tracer:
    """
    A tracer that has the process already; `follow` lets the moment come, and the process end.
    """
    tracer = Tracer(moment)
    tracer.seize(pid, calls=True)
    return tracer
