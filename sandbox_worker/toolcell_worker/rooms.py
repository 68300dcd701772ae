"""
Rooms: pid namespaces with an init in each, where the zygote's children are born.

Theory of operation.  `unshare(CLONE_NEWPID)` and `setns` decide where the *next* children are born
(pid_namespaces(7)): we enter a room, fork, and return to our own namespace.  The first process of a
room is its init (`init.py`).

A tool that may start processes has a room of its own, which ends with it: the kernel kills whatever
it left running when its init is killed.  One that may not (its filter has neither fork nor exec) is
the only process that ever lives beside the init, and when the zygote has waited for it the room is
as empty as it was.  Such a room serves another cell later, never two at a time, and only if the
last one ended as it should: it holds no memory, no file and no name of anybody's.  What its next
cell could tell is that pids have been used up.  Forking and ending an init for each cell took 0.9
of 2.9 ms of processor time.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_worker import init, steps, syscalls

if TYPE_CHECKING:
    from toolcell_worker.walls.resources import Group

SIGKILL = 9
IDLE = 8  # arbitrary; rooms that are kept for the next cells
USES = 256  # arbitrary; then a room is given up, however well its cells behaved


@dataclass(slots=True, eq=False)
class Room:
    """
    A pid namespace: the pid of its init, and a descriptor of it.  `space` is a descriptor of the
    namespace, by which it can be entered again: by its init it cannot, who may not be looked into
    (setns(2) asks what ptrace(2) would); -1 if nobody will.
    """

    init: int
    pidfd: int
    space: int = -1
    uses: int = 0
    entering: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.entering = steps.prepared("setns", self.space, syscalls.CLONE_NEWPID)


@dataclass(slots=True)
class Rooms:
    """
    `own_pids` is a descriptor of the zygote's own pid namespace, `proc` of a /proc that shows it,
    `init_program` the filter of an init.
    """

    own_pids: int
    proc: int
    init_program: bytes
    leaving: tuple[int, ...] = ()
    idle: list[Room] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leaving = steps.prepared("setns", self.own_pids, syscalls.CLONE_NEWPID)

    def enter_new(self, group: Group | None = None, *, again: bool = False) -> Room:
        """
        A room, which is entered `again` later, or is of one cell, whose control group its init
        joins; children are born there until `leave`.

        Raises:
            OSError: there can be no further process or namespace; children are born as before.
        """
        syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            pid = syscalls.fork()
            if pid == 0:
                init.live(self.init_program, group)
        except OSError:
            self.leave()
            raise
        pidfd = space = -1
        try:
            pidfd = os.pidfd_open(pid)
            if again:
                flags = os.O_RDONLY | os.O_CLOEXEC
                space = os.open("self/ns/pid_for_children", flags, dir_fd=self.proc)
        except OSError:
            bury(Room(pid, pidfd))
            self.leave()
            raise
        return Room(pid, pidfd, space)

    def enter_idle(self) -> Room | None:
        """
        An empty room, if one is left; children are born there until `leave`.
        """
        while self.idle:
            room = self.idle.pop()
            if steps.make(room.entering) == 0:
                return room
            os.kill(room.init, SIGKILL)  # nobody can use it any more; it will be buried
        return None

    def leave(self) -> None:
        """
        Children are born in the zygote's own namespace again.

        Raises:
            RuntimeError: they would not be; this zygote must end, and its cells with it.
        """
        if steps.make(self.leaving) != 0:
            why = os.strerror(ctypes.get_errno())
            raise RuntimeError(f"the zygote's own pid namespace cannot be entered: {why}")

    def keep(self, room: Room) -> bool:
        """
        Keep a room whose one process has been waited for; false if there are enough.
        """
        room.uses += 1
        if room.uses >= USES or len(self.idle) >= IDLE:
            return False
        self.idle.append(room)
        return True

    def give_up(self) -> None:
        """
        End every room that nobody is in; who watches their inits buries them.
        """
        for room in self.idle:
            os.kill(room.init, SIGKILL)
        self.idle.clear()

    def forget(self, room: Room) -> None:
        """
        A room whose init has ended serves nobody.
        """
        if room in self.idle:
            self.idle.remove(room)
        if room.space >= 0:
            os.close(room.space)


def bury(room: Room) -> None:
    """
    End a room that nobody watches, and wait for its init.
    """
    os.kill(room.init, SIGKILL)
    os.waitpid(room.init, 0)
    for descriptor in (room.pidfd, room.space):
        if descriptor >= 0:
            os.close(descriptor)
