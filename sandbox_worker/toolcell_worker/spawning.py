"""
The zygote's serving loop: forks cells, watches them end.

Theory of operation.  Each cell gets a pid namespace of its own: `unshare(CLONE_NEWPID)` decides
where the *next* children are born, so we unshare, fork its init and the cell, and return to our
own namespace by setns (pid_namespaces(7)).  Both are our children.  When the cell's process ends,
we kill its init, and the kernel kills whatever the tool left running; when the server kills the
init, the kernel kills the cell too.  Either way an init ends last, and that is the end of the cell.

A few spares are forked in advance, up to where a cell needs its grant, because forking and mounts
are most of what a call would wait for.  A spare serves one call, like every cell.
"""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import cell, init, syscalls, wire
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    import resource

SIGKILL = 9
FAILED_FORK_MILLISECONDS = 500  # arbitrary; a host that cannot fork is left alone so long
SPARES = 2  # arbitrary; one for the next call, one for the call after it


@dataclass(frozen=True, slots=True)
class Spare:
    """
    A cell that waits for its grant.
    """

    init: int
    tool: int
    handoff: socket.socket


@dataclass(slots=True)
class Running:
    """
    A cell that has its grant.
    """

    number: int
    tool: int
    init: int
    tool_pidfd: int
    status: int = 0
    used: resource.struct_rusage | None = None


@dataclass
class Spawning:
    """
    The serving loop: SPAWN in, SPAWNED and REAPED out.
    """

    control: socket.socket
    around: cell.Surroundings
    own_pids: int
    poller: select.poll = field(default_factory=select.poll)
    spares: deque[Spare] = field(default_factory=deque)
    tools: dict[int, Running] = field(default_factory=dict)  # by pidfd of the tool's process
    inits: dict[int, Running] = field(default_factory=dict)  # by pidfd of the init
    fork_failed: bool = False

    def loop(self) -> None:
        """
        Serve until the server is gone.  Spares are made when nothing else is to be done.
        """
        self.poller.register(self.control.fileno(), select.POLLIN)
        while True:
            ready = self.poller.poll(self._patience())
            if not ready:
                self._breed()
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
            refusal = {"number": number, "wall": "processes", "errno": exc.errno or 0}
            wire.send_json(self.control, Frame.NOT_SPAWNED, {**refusal, "detail": str(exc)})
            return
        finally:
            for descriptor in message.descriptors:
                os.close(descriptor)
        running = Running(number, spare.tool, spare.init, os.pidfd_open(spare.tool))
        pidfds = (os.pidfd_open(spare.init), running.tool_pidfd)
        self.inits[pidfds[0]] = self.tools[pidfds[1]] = running
        for pidfd in pidfds:
            self.poller.register(pidfd, select.POLLIN)
        wire.send(self.control, Frame.SPAWNED, wire.NUMBER.pack(number), pidfds)

    def _hand_over(self, message: wire.Message) -> Spare:
        """
        The spare that took the grant; one that was killed while it waited is passed over.
        """
        while True:
            fresh = not self.spares
            spare = self._fork() if fresh else self.spares.popleft()
            with spare.handoff:
                try:
                    wire.send(spare.handoff, Frame.SPAWN, message.payload, message.descriptors)
                except (BrokenPipeError, ConnectionResetError):
                    _bury(spare)
                    if fresh:
                        raise
                else:
                    return spare

    def _patience(self) -> int | None:
        """
        How long to wait for something to do before making a spare, in milliseconds.
        """
        if len(self.spares) >= SPARES:
            return None
        return FAILED_FORK_MILLISECONDS if self.fork_failed else 0

    def _breed(self) -> None:
        try:
            self.spares.append(self._fork())
            self.fork_failed = False
        except OSError:
            self.fork_failed = True

    def _fork(self) -> Spare:
        """
        An init and a cell in a new pid namespace, ready for a grant.
        """
        ours, theirs = socket.socketpair()
        syscalls.unshare(syscalls.CLONE_NEWPID)
        try:
            init_pid = os.fork()
            if init_pid == 0:
                init.live(self.around.init_program)
            tool_pid = self._fork_cell(init_pid, theirs)
        except OSError:
            ours.close()
            raise
        finally:
            syscalls.setns(self.own_pids, syscalls.CLONE_NEWPID)
            theirs.close()
        return Spare(init_pid, tool_pid, ours)

    def _fork_cell(self, init_pid: int, handoff: socket.socket) -> int:
        try:
            pid = os.fork()
        except OSError:
            os.kill(init_pid, SIGKILL)
            os.waitpid(init_pid, 0)
            raise
        return pid or self._become_cell(handoff)

    def _become_cell(self, handoff: socket.socket) -> NoReturn:
        try:
            # First of all: who holds the control socket can ask for cells.
            self.control.close()
            cell.live(handoff, self.around)
        finally:
            os._exit(cell.CRASHED_EXIT)

    def _tool_ended(self, pidfd: int) -> None:
        """
        The tool's process has ended; whatever it left running ends with the init.
        """
        running = self._forget(self.tools, pidfd)
        _, running.status, running.used = os.wait4(running.tool, 0)
        os.kill(running.init, SIGKILL)

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

    def _tell_reaped(self, running: Running, orphans: resource.struct_rusage) -> None:
        """
        Tell the server, with the usage of all processes together.
        """
        used = running.used
        assert used is not None
        user, system = used.ru_utime + orphans.ru_utime, used.ru_stime + orphans.ru_stime
        peak = max(used.ru_maxrss, orphans.ru_maxrss) * 1024
        account = wire.REAPING.pack(running.number, running.status, user, system, peak)
        wire.send(self.control, Frame.REAPED, account)

    def _forget(self, table: dict[int, Running], pidfd: int) -> Running:
        self.poller.unregister(pidfd)
        os.close(pidfd)
        return table.pop(pidfd)


def _bury(spare: Spare) -> None:
    """
    End what is left of a spare; its tool's process ends before its init does.
    """
    os.kill(spare.init, SIGKILL)
    for pid in (spare.tool, spare.init):
        os.waitpid(pid, 0)
