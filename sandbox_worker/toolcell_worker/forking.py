"""
Forks the processes of one cell.

Theory of operation.  Each cell gets a pid namespace of its own: `unshare(CLONE_NEWPID)` decides
where the *next* children are born, so we unshare, fork its init and the cell, and return to our
own namespace by setns (pid_namespaces(7)).  A bare cell (`start.Make`) is one process, born among
those of the host.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import cell, init, syscalls
from toolcell_worker.walls.resources import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_worker.surroundings import Surroundings

SIGKILL = 9


@dataclass(frozen=True, slots=True)
class Spare:
    """
    A cell that waits for its grant.  Its init is 0 if it has none, and so with its control group.
    """

    init: int
    tool: int
    handoff: socket.socket
    group: Group | None


@dataclass(frozen=True, slots=True)
class Forking:
    """
    How a zygote forks.  `own_pids` is a descriptor of its own pid namespace.
    """

    control: socket.socket
    around: Surroundings
    own_pids: int
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def fork(self) -> Spare:
        """
        A cell, ready for a grant.
        """
        ours, theirs = socket.socketpair()
        group = None
        try:
            group = self._make_group()
            if self.around.make.namespaces:
                init_pid, tool_pid = self._fork_world(theirs, group)
            else:
                init_pid, tool_pid = 0, os.fork() or self._become_cell(theirs, group)
        except OSError:
            ours.close()
            if group is not None:
                group.remove()
            raise
        finally:
            theirs.close()
        return Spare(init_pid, tool_pid, ours, group)

    def _make_group(self) -> Group | None:
        if self.around.groups < 0:
            return None
        group = Group(self.around.groups, f"cell-{next(self.numbers)}")
        group.make()
        return group

    def _fork_world(self, handoff: socket.socket, group: Group | None) -> tuple[int, int]:
        """
        An init and a cell in a new pid namespace.
        """
        syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            init_pid = os.fork()
            if init_pid == 0:
                init.live(self.around.init_program, group)
            return init_pid, self._fork_cell(init_pid, handoff, group)
        finally:
            syscalls.setns(self.own_pids, syscalls.CLONE_NEWPID)

    def _fork_cell(self, init_pid: int, handoff: socket.socket, group: Group | None) -> int:
        try:
            pid = os.fork()
        except OSError:
            os.kill(init_pid, SIGKILL)
            os.waitpid(init_pid, 0)
            raise
        return pid or self._become_cell(handoff, group)

    def _become_cell(self, handoff: socket.socket, group: Group | None) -> NoReturn:
        try:
            # First of all: who holds the control socket can ask for cells.
            self.control.close()
            cell.live(handoff, dataclasses.replace(self.around, group=group))
        finally:
            os._exit(cell.CRASHED_EXIT)


def bury(spare: Spare) -> None:
    """
    End what is left of a spare; its tool's process ends before its init does.
    """
    for pid in (spare.init, spare.tool):
        if pid:
            os.kill(pid, SIGKILL)
    for pid in (spare.tool, spare.init):
        if pid:
            os.waitpid(pid, 0)
    if spare.group is not None:
        spare.group.remove()
