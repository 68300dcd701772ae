"""
The zygote's serving loop: forks cells, watches them end.

Theory of operation.  The tool's process and its init (`forking.py`) are our children.  When the
tool's process ends, we kill its init, and the kernel kills whatever the tool left running; when the
server kills the init, the kernel kills the cell too.  Either way an init ends last, and that is the
end of the cell.  A bare cell has no init: it is one process, which cannot fork.

A few spares are forked in advance, up to where a cell needs its grant, because forking and mounts
are most of what a call would wait for.  A spare serves one call, like every cell.
"""

from __future__ import annotations

import os
import select
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_worker import forking, wire
from toolcell_worker.forking import SIGKILL, Forking, Spare
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    import resource
    import socket

    from toolcell_worker.walls.resources import Group

FAILED_FORK_MILLISECONDS = 500  # arbitrary; a host that cannot fork is left alone so long
LEAVING_MILLISECONDS = 20  # arbitrary; a process that has ended leaves its control group soon
SPARES = 2  # arbitrary; one for the next call, one for the call after it


@dataclass(slots=True)
class Running:
    """
    A cell that has its grant.
    """

    number: int
    tool: int
    init: int
    tool_pidfd: int
    group: Group | None
    status: int = 0
    used: resource.struct_rusage | None = None


@dataclass
class Spawning:
    """
    The serving loop: SPAWN in, SPAWNED and REAPED out.
    """

    control: socket.socket
    forking: Forking
    poller: select.poll = field(default_factory=select.poll)
    spares: deque[Spare] = field(default_factory=deque)
    tools: dict[int, Running] = field(default_factory=dict)  # by pidfd of the tool's process
    inits: dict[int, Running] = field(default_factory=dict)  # by pidfd of the init
    empty: list[Group] = field(default_factory=list)  # control groups to be removed
    fork_failed: bool = False

    def loop(self) -> None:
        """
        Serve until the server is gone.  Spares are made when nothing else is to be done.
        """
        self.poller.register(self.control.fileno(), select.POLLIN)
        while True:
            ready = self.poller.poll(self._patience())
            if not ready:
                self._use_leisure()
            descriptors = dict(ready).keys()
            for pidfd in descriptors & self.tools.keys():
                self._tool_ended(pidfd)
            for pidfd in descriptors & self.inits.keys():
                self._init_ended(pidfd)
            # Last: a cell that begins may get the descriptor numbers of one that has just ended.
            if self.control.fileno() in descriptors:
                try:
                    self._spawn(wire.receive(self.control))
                except wire.PeerClosed:
                    return

    def _spawn(self, message: wire.Message) -> None:
        (number,) = wire.NUMBER.unpack_from(message.payload)
        try:
            spare = self._hand_over(message)
        except OSError as exc:
            wall = getattr(exc, "wall", "processes")
            refusal = {"number": number, "wall": wall, "errno": exc.errno or 0}
            wire.send_json(self.control, Frame.NOT_SPAWNED, {**refusal, "detail": str(exc)})
            return
        finally:
            for descriptor in message.descriptors:
                os.close(descriptor)
        tool_pidfd = os.pidfd_open(spare.tool)
        running = Running(number, spare.tool, spare.init, tool_pidfd, spare.group)
        self._watch(self.tools, running.tool_pidfd, running)
        killed = running.tool_pidfd
        if spare.init:
            killed = os.pidfd_open(spare.init)
            self._watch(self.inits, killed, running)
        pidfds = (killed, running.tool_pidfd)
        name = spare.group.name if spare.group else ""
        spawned = wire.NUMBER.pack(number) + name.encode()
        wire.send(self.control, Frame.SPAWNED, spawned, pidfds)

    def _watch(self, table: dict[int, Running], pidfd: int, running: Running) -> None:
        table[pidfd] = running
        self.poller.register(pidfd, select.POLLIN)

    def _hand_over(self, message: wire.Message) -> Spare:
        """
        The spare that took the grant; one that was killed while it waited is passed over.
        """
        while True:
            fresh = not self.spares
            spare = self.forking.fork() if fresh else self.spares.popleft()
            with spare.handoff:
                try:
                    wire.send(spare.handoff, Frame.SPAWN, message.payload, message.descriptors)
                except OSError as exc:
                    forking.bury(spare)
                    killed = isinstance(exc, BrokenPipeError | ConnectionResetError)
                    if fresh or not killed:
                        raise
                else:
                    return spare

    def _patience(self) -> int | None:
        """
        How long to wait for something to do before using the leisure, in milliseconds.
        """
        if len(self.spares) >= SPARES:
            return LEAVING_MILLISECONDS if self.empty else None
        return FAILED_FORK_MILLISECONDS if self.fork_failed else 0

    def _use_leisure(self) -> None:
        """
        Remove control groups that a process was still leaving; make a spare.
        """
        self.empty = [group for group in self.empty if not group.remove()]
        if len(self.spares) < SPARES:
            self._breed()

    def _breed(self) -> None:
        try:
            self.spares.append(self.forking.fork())
            self.fork_failed = False
        except OSError:
            self.fork_failed = True

    def _tool_ended(self, pidfd: int) -> None:
        """
        The tool's process has ended; whatever it left running ends with the init.
        """
        running = self._forget(self.tools, pidfd)
        _, running.status, running.used = os.wait4(running.tool, 0)
        if running.init:
            os.kill(running.init, SIGKILL)
        else:
            self._tell_reaped(running, None)

    def _init_ended(self, pidfd: int) -> None:
        """
        The cell is over.  The kernel lets an init end only after every process of its namespace,
        so the tool's process can be waited for without delay if it was not yet.
        """
        running = self._forget(self.inits, pidfd)
        if running.used is None:
            self._forget(self.tools, running.tool_pidfd)
            _, running.status, running.used = os.wait4(running.tool, 0)
        _, _, orphans = os.wait4(running.init, 0)
        self._tell_reaped(running, orphans)

    def _tell_reaped(self, running: Running, orphans: resource.struct_rusage | None) -> None:
        """
        Tell the server, with the usage of all processes together.
        """
        used = [account for account in (running.used, orphans) if account is not None]
        user, system = sum(u.ru_utime for u in used), sum(u.ru_stime for u in used)
        peak = max(u.ru_maxrss for u in used) * 1024
        account = wire.REAPING.pack(running.number, running.status, user, system, peak)
        if running.group is not None:
            account += running.group.account()
            self.empty.append(running.group)
        wire.send(self.control, Frame.REAPED, account)
        # One that a process is still leaving is removed with the next.
        self.empty = [group for group in self.empty if not group.remove()]

    def _forget(self, table: dict[int, Running], pidfd: int) -> Running:
        self.poller.unregister(pidfd)
        os.close(pidfd)
        return table.pop(pidfd)
