"""
The zygote's serving loop: forks cells, watches them end.

Theory of operation.  The tool's process and its init (`rooms.py`) are our children.  When a tool's
process ends that may have left others running, we kill its init, and the kernel kills them; when
the server kills the init, the kernel kills the cell too.  Either way an init ends last, and that is
the end of the cell.  Where nothing can be left running, the end of the tool's process is the end of
the cell: a bare cell has no init, and a shared room is kept for the next.
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_worker import forking, wire
from toolcell_worker.rooms import SIGKILL, Room
from toolcell_worker.spares import Spares
from toolcell_worker.walls.failure import SetupFailed
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    import resource
    import socket

    from toolcell_worker.forking import Born, Forking
    from toolcell_worker.walls.resources import Group

FAILED_FORK_SECONDS = 0.5  # arbitrary; a host that cannot fork is left alone so long
AT_ONCE = 8  # arbitrary; cells that are forked before their server hears of the first
LEAVING_SECONDS = 0.02  # arbitrary; a process that has ended leaves its control group soon
QUIET_SECONDS = 1.0  # arbitrary; cells come one after the other, or not at all
ENDED_IN_ORDER = (0, 1, -SIGKILL)  # after RESULT or RAISED (run.py), or killed instead of that


@dataclass(slots=True)
class Running:
    """
    A cell that has its grant.
    """

    number: int
    born: Born
    tool_pidfd: int
    status: int = 0
    used: resource.struct_rusage | None = None


@dataclass
class Spawning:
    """
    The serving loop: SPAWN in, SPAWNED and REAPED out.
    """

    control: socket.socket
    forking: Forking
    poller: select.epoll = field(default_factory=select.epoll)
    spares: Spares = field(init=False)
    tools: dict[int, Running] = field(default_factory=dict)  # by pidfd of the tool's process
    inits: dict[int, Running | Room] = field(default_factory=dict)  # by pidfd of the init
    empty: list[Group] = field(default_factory=list)  # control groups to be removed

    def __post_init__(self) -> None:
        self.spares = Spares(self.forking, self.poller)

    def loop(self) -> None:
        """
        Serve until the server is gone.  Spares are made when nothing else is to be done.
        """
        control = self.control.fileno()
        self.poller.register(control, select.EPOLLIN)
        while True:
            ready = self.poller.poll(self._patience())
            if not ready:
                self._use_leisure()
            asked = False
            for descriptor, _ in ready:
                if descriptor in self.tools:
                    self._tool_ended(descriptor)
                elif descriptor in self.inits:
                    self._init_ended(descriptor)
                elif descriptor in self.spares.ends:
                    self.spares.ended(descriptor)
                else:
                    asked |= descriptor == control
            # Last: a cell that begins may get the descriptor numbers of one that has just ended.
            if asked and not self._spawn_all(control):
                return

    def _spawn_all(self, control: int) -> bool:
        """
        Fork the cells that are asked for by now, and only then tell of them: what we write to after
        a fork, the kernel copies.  False if the server is gone.
        """
        asked: list[wire.Message] = []
        while len(asked) < AT_ONCE:
            try:
                asked.append(wire.receive_small(self.control))
            except wire.PeerClosed:
                return False
            if all(descriptor != control for descriptor, _ in self.poller.poll(0)):
                break
        for number, born in list(map(self._spawn, asked)):
            if born:
                self._watch_or_bury(number, born)
        return True

    def _spawn(self, asked: wire.Message) -> tuple[int, Born | None]:
        number, slot = wire.SPAWNING.unpack_from(asked.payload)
        packed = asked.payload[wire.SPAWNING.size :]
        try:
            if packed:
                return number, self.forking.whole(packed, slot, asked.descriptors)
            return number, self.spares.hand_over(asked.payload, asked.descriptors)
        except (OSError, ValueError, SetupFailed) as exc:
            self._refuse(number, exc)
            return number, None
        finally:
            for descriptor in asked.descriptors:
                os.close(descriptor)

    def _refuse(self, number: int, exc: OSError | ValueError | SetupFailed) -> None:
        wall, code = getattr(exc, "wall", "processes"), getattr(exc, "errno", 0) or 0
        refusal = {"number": number, "wall": wall, "errno": code, "detail": str(exc)}
        wire.send_json(self.control, Frame.NOT_SPAWNED, refusal)

    def _watch_or_bury(self, number: int, born: Born) -> None:
        try:
            tool_pidfd = os.pidfd_open(born.tool)
        except OSError as exc:  # nobody could end it
            forking.bury(born)
            if born.shared:
                os.kill(born.shared.init, SIGKILL)
            self._refuse(number, exc)
        else:
            self._watch(Running(number, born, tool_pidfd))

    def _watch(self, running: Running) -> None:
        """
        Expect its end, and tell the server how it can be killed.
        """
        number, born = running.number, running.born
        pidfds: tuple[int, ...] = (running.tool_pidfd,)
        self._register(self.tools, running.tool_pidfd, running)
        if born.own is not None:
            self._register(self.inits, born.own.pidfd, running)
            pidfds = (born.own.pidfd, running.tool_pidfd)
        elif born.shared is not None and born.shared.pidfd not in self.inits:
            self._register(self.inits, born.shared.pidfd, born.shared)
        spawned = wire.NUMBER.pack(number)
        if born.group is not None:
            spawned += born.group.name.encode()
        wire.send(self.control, Frame.SPAWNED, spawned, pidfds)

    def _register(self, table: dict[int, Any], pidfd: int, value: Running | Room) -> None:
        table[pidfd] = value
        self.poller.register(pidfd, select.EPOLLIN)

    def _patience(self) -> float | None:
        """
        How long to wait for something to do before using the leisure, in seconds.
        """
        if not self.spares.enough:
            return FAILED_FORK_SECONDS if self.spares.fork_failed else 0
        if self.empty:
            return LEAVING_SECONDS
        return QUIET_SECONDS if self.forking.rooms.idle else None

    def _use_leisure(self) -> None:
        """
        Remove control groups that a process was still leaving; make a spare; when nothing has
        happened for long, give up the rooms that nobody is in.
        """
        if not self.spares.enough:
            self.spares.breed()
        elif self.empty:
            self.empty = [group for group in self.empty if not group.remove()]
        else:
            self.forking.rooms.give_up()

    def _tool_ended(self, pidfd: int) -> None:
        """
        The tool's process has ended; whatever it left running ends with the init.
        """
        running = self.tools.pop(pidfd)
        self._let_go(pidfd)
        born = running.born
        _, running.status, running.used = os.wait4(born.tool, 0)
        if born.own is not None:
            os.kill(born.own.init, SIGKILL)
            return
        if born.shared is not None:
            self._vacate(born.shared, running.status)
        self._tell_reaped(running, None)

    def _vacate(self, room: Room, status: int) -> None:
        """
        Keep the room of a cell that ended as it should: by itself, or killed when it was done.
        """
        in_order = os.waitstatus_to_exitcode(status) in ENDED_IN_ORDER
        if not (in_order and self.forking.rooms.keep(room)):
            os.kill(room.init, SIGKILL)

    def _init_ended(self, pidfd: int) -> None:
        """
        The kernel lets an init end only after every process of its namespace, so the tool's
        process can be waited for without delay if it was not yet.
        """
        ended = self.inits.pop(pidfd)
        self._let_go(pidfd)
        if isinstance(ended, Room):
            self.forking.rooms.forget(ended)
            os.waitpid(ended.init, 0)
            return
        assert ended.born.own is not None, "a shared room is watched for itself"
        if ended.used is None:
            del self.tools[ended.tool_pidfd]
            self._let_go(ended.tool_pidfd)
            _, ended.status, ended.used = os.wait4(ended.born.tool, 0)
        _, _, orphans = os.wait4(ended.born.own.init, 0)
        self._tell_reaped(ended, orphans)

    def _tell_reaped(self, running: Running, orphans: resource.struct_rusage | None) -> None:
        """
        Tell the server, with the usage of all processes together.
        """
        used = running.used
        assert used is not None, "it has been waited for"
        user, system, peak = used.ru_utime, used.ru_stime, used.ru_maxrss
        if orphans is not None:
            user, system = user + orphans.ru_utime, system + orphans.ru_stime
            peak = max(peak, orphans.ru_maxrss)
        account = wire.REAPING.pack(running.number, running.status, user, system, peak * 1024)
        if running.born.group is not None:
            account += running.born.group.account()
            self.empty.append(running.born.group)
        wire.send(self.control, Frame.REAPED, account)
        # One that a process is still leaving is removed with the next.
        if self.empty:
            self.empty = [group for group in self.empty if not group.remove()]

    def _let_go(self, pidfd: int) -> None:
        self.poller.unregister(pidfd)
        os.close(pidfd)
