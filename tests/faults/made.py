"""
What became of one cell, and of which fault.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cells import Ended
from toolcell_worker.wire import Frame

from faults.portraits import differences

if TYPE_CHECKING:
    from toolcell_worker import wire

INIT, TOOL = "init", "tool"
ROLES = (INIT, TOOL)  # in the order of their birth
# Of cells: a spare that is granted paths, as a whole cell cannot be, and one that is not.
SPARE, PLAIN_SPARE, WHOLE = "spare", "plain spare", "whole"
ERRORS = (errno.EPERM, errno.ENOSYS, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One system call that fails: the `number`-th of its name, counted from 1, in the process of this
    role; 0 for every one.
    """

    role: str
    name: str
    number: int
    error: int


@dataclass
class Made:
    """
    What became of a cell: the calls of its set-up, what it said, what it was when it was ready.
    """

    calls: list[tuple[str, str]] = field(default_factory=list)
    met: bool = False  # whether the fault was met
    portraits: dict[str, Any] = field(default_factory=dict)
    frames: list[wire.Message] = field(default_factory=list)

    def payload(self, kind: Frame) -> Any:
        return Ended(self.frames).payload(kind)

    @property
    def ending(self) -> str:
        """
        "ready", and its tool ran to its end; or why not: the wall that could not be built, or
        "died", which a whole cell may do when its init does, although it was ready before that.
        """
        if failed := self.payload(Frame.SETUP_FAILED) or self.payload(Frame.NOT_SPAWNED):
            return f"{failed['wall']} wall"
        kinds = {message.kind for message in self.frames}
        return "ready" if kinds >= {Frame.READY, Frame.RESULT} else "died"


def faults_in(sound: Made, made: Made) -> list[str]:
    """
    What is wrong with a cell in which a tool could run: in its portrait from outside, in what the
    probe found inside.
    """
    found = made.payload(Frame.RESULT)
    inside = [f"{wall}: {word}" for wall, word in (found or {}).items() if word != "active"]
    return differences(sound.portraits, made.portraits) + inside + ([] if found else ["no probe"])
