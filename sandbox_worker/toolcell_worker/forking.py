"""
Forks the processes of one cell.

Theory of operation.  Where there are namespaces a cell is born in a room (`rooms.py`).  A bare cell
(`start.Make`) is one process, born among those of the host.

A *spare* waits for its grant, which nobody knows yet.  A *whole* cell has it from its zygote, as
bytes that the zygote keeps read, because many cells have the same; and inherits its descriptors.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import itertools
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import cell, rooms, syscalls
from toolcell_worker.rooms import SIGKILL, Room, Rooms
from toolcell_worker.walls.resources import Group
from toolcell_worker.whole import WholeWalls
from toolcell_worker.wire import CellGrant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_worker.surroundings import Surroundings

FORK = syscalls.raw_fork
GRANTS = 64  # arbitrary; how many grants of whole cells are kept read


@dataclass(slots=True)
class Born:
    """
    A cell's processes: the room it alone lives in, the room that others had or will have, or
    neither (a bare cell).
    """

    tool: int
    group: Group | None
    own: Room | None = None
    shared: Room | None = None


@dataclass(frozen=True, slots=True)
class Spare:
    """
    A cell that waits for its grant, which is sent over `handoff`.
    """

    born: Born
    handoff: socket.socket


@dataclass(frozen=True, slots=True)
class Forking:
    """
    How a zygote forks.
    """

    control: socket.socket
    around: Surroundings
    rooms: Rooms
    numbers: Iterator[int] = field(default_factory=itertools.count)
    grants: dict[bytes, WholeWalls] = field(default_factory=dict)

    def spare(self) -> Spare:
        """
        A cell, ready for a grant.

        Raises:
            OSError: it cannot be forked.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                born = self._born(
                    functools.partial(cell.wait_for_grant, self.control, theirs), own=True
                )
            except OSError:
                ours.close()
                raise
        return Spare(born, ours)

    def whole(self, packed: bytes, slot: int, descriptors: tuple[int, ...]) -> Born:
        """
        A cell with this grant, which waits for its call.

        Raises:
            OSError: it cannot be forked.
            SetupFailed: not with these walls.
        """
        walls = self.grants.get(packed) or self._walls(packed)
        walls.aim(slot, descriptors)
        if not walls.alone and self.around.groups < 0 and (room := self.rooms.enter_idle()):
            # The usual way, and as short as can be: whatever we touch between two forks, the kernel
            # copies for us.
            pid = FORK()
            if pid == 0:
                cell.wait_for_call(walls, self.around)
            self.rooms.leave()
            if pid > 0:
                return Born(pid, None, None, room)
            os.kill(room.init, SIGKILL)  # it is being killed (ENOMEM), or there can be no process
        return self._born(functools.partial(cell.wait_for_call, walls), own=walls.alone)

    def _walls(self, packed: bytes) -> WholeWalls:
        if not self.around.make.namespaces:
            raise OSError(0, "a cell without namespaces cannot be whole in advance")
        if len(self.grants) >= GRANTS:
            del self.grants[next(iter(self.grants))]
        walls = self.grants[packed] = WholeWalls(CellGrant.unpack(packed), self.around)
        gc.freeze()  # what was made just now is there for good
        return walls

    def _born(self, live: Callable[[Surroundings], NoReturn], *, own: bool) -> Born:
        group = self._make_group()
        try:
            if not self.around.make.namespaces:
                return Born(self._fork(live, group), group)
            if own:
                return self._born_alone(live, group)
            return self._born_in_shared(live, group)
        except OSError:
            if group is not None:
                group.remove()
            raise

    def _born_alone(self, live: Callable[[Surroundings], NoReturn], group: Group | None) -> Born:
        room = self.rooms.enter_new(group)
        try:
            return Born(self._fork(live, group), group, own=room)
        except OSError:
            rooms.bury(room)
            raise
        finally:
            self.rooms.leave()

    def _born_in_shared(
        self, live: Callable[[Surroundings], NoReturn], group: Group | None
    ) -> Born:
        while room := self.rooms.enter_idle():
            try:
                return Born(self._fork(live, group), group, shared=room)
            except OSError:  # its init is being killed (ENOMEM), or there can be no process at all
                os.kill(room.init, SIGKILL)
            finally:
                self.rooms.leave()
        room = self.rooms.enter_new(again=True)
        try:
            return Born(self._fork(live, group), group, shared=room)
        except OSError:
            rooms.bury(room)
            raise
        finally:
            self.rooms.leave()

    def _fork(self, live: Callable[[Surroundings], NoReturn], group: Group | None) -> int:
        pid = syscalls.fork()
        if pid:
            return pid
        try:
            around = self.around
            live(around if group is None else dataclasses.replace(around, group=group))
        finally:
            os._exit(cell.CRASHED_EXIT)

    def _make_group(self) -> Group | None:
        if self.around.groups < 0:
            return None
        group = Group(self.around.groups, f"cell-{next(self.numbers)}")
        group.make()
        return group


def bury(born: Born) -> None:
    """
    End what is left of a cell that nobody watches, but for a room that others use; its tool's
    process ends before its init does.
    """
    os.kill(born.own.init if born.own else born.tool, SIGKILL)
    os.waitpid(born.tool, 0)
    if born.own:
        rooms.bury(born.own)
    if born.group is not None:
        born.group.remove()
