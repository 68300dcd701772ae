"""
The resources wall: a control group for each cell, which bounds all of its processes together.

Theory of operation.  rlimits bound each process alone, and know nothing of what the kernel holds
for it: socket buffers, pipes, shared pages that nobody maps.  A control group (cgroups(7)) counts
all of that.  The server gives the zygote a descriptor of a directory in which it may make groups;
for each spare cell the zygote makes one, and the cell's processes join it as their first action:
joining costs half a millisecond, which no call waits for.  What depends on the call, its memory
and its processes, is written when the grant is there, while the cell still has the zygote's
identity; its own has no right to those files, and no name for them.

`memory.max` is the last line, not the limit itself: pages of the cell's own files (its tmpfs) and
the kernel's memory count too, so it leaves room for both.  The exact limit is the watchdog's to
judge.  When `memory.max` is reached the kernel kills the whole cell at once (memory.oom.group).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_worker.walls.rlimits import THREADS_BESIDE_PROCESSES
from toolcell_worker.wire import GROUP_ACCOUNT

if TYPE_CHECKING:
    from toolcell_worker.wire import CellGrant

KERNEL_BYTES = 32 * 2**20  # arbitrary; page tables, stacks and buffers of ordinary work
PERIOD_MICROSECONDS = 100_000  # the kernel's own default (cpu.max)
LEFT_TO_OTHERS = 0.1  # of one processor: what a cell never takes from the service
OWN_PROCESSES = 1  # the init


class GroupNotMade(OSError):  # noqa: N818  # names what happened
    """
    Raised when a cell's control group cannot be made, or set up.
    """

    wall = "resources"


@dataclass(frozen=True, slots=True)
class Group:
    """
    One cell's control group: its name in the directory that `bundle` is a descriptor of.
    """

    bundle: int
    name: str

    def make(self) -> None:
        """
        Make it, with what is the same for every call.

        Raises:
            GroupNotMade: it cannot be made, or lacks a controller.
        """
        try:
            os.mkdir(self.name, 0o755, dir_fd=self.bundle)
            self._write("memory.oom.group", "1")
            with contextlib.suppress(FileNotFoundError):  # a kernel that counts no swap
                self._write("memory.swap.max", "0")
            self._write("cpu.max", _processors())
        except OSError as exc:
            self.remove()
            raise GroupNotMade(exc.errno, str(exc)) from exc

    def join(self) -> None:
        """
        Bring ourselves into it.
        """
        self._write("cgroup.procs", "0")

    def limit(self, grant: CellGrant) -> None:
        """
        Set what depends on the call.
        """
        memory = grant.memory_bytes + grant.disk_bytes + KERNEL_BYTES
        self._write("memory.max", str(memory))
        processes = grant.processes + THREADS_BESIDE_PROCESSES + OWN_PROCESSES
        self._write("pids.max", str(processes))

    def account(self) -> bytes:
        """
        What the kernel counted, as GROUP_ACCOUNT.  Only a kill for the group's own limit counts,
        not one for the memory of the whole host.
        """
        events, times = self._table("memory.events"), self._table("cpu.stat")
        kills = events.get("oom_kill", 0) if events.get("oom", 0) else 0
        user, system = times.get("user_usec", 0), times.get("system_usec", 0)
        peak = int(self._read("memory.peak") or b"0")
        return GROUP_ACCOUNT.pack(kills, user, system, peak)

    def remove(self) -> bool:
        """
        Remove it; not while a process of it is still ending.
        """
        try:
            os.rmdir(self.name, dir_fd=self.bundle)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _write(self, file: str, text: str) -> None:
        flags = os.O_WRONLY | os.O_CLOEXEC
        descriptor = os.open(f"{self.name}/{file}", flags, dir_fd=self.bundle)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _read(self, file: str) -> bytes:
        try:
            flags = os.O_RDONLY | os.O_CLOEXEC
            descriptor = os.open(f"{self.name}/{file}", flags, dir_fd=self.bundle)
        except FileNotFoundError:  # a kernel that does not count it, or a group that is gone
            return b""
        try:
            return os.read(descriptor, 4096)
        finally:
            os.close(descriptor)

    def _table(self, file: str) -> dict[str, int]:
        pairs = (line.split() for line in self._read(file).decode().splitlines())
        return {key: int(value) for key, value in pairs}


def _processors() -> str:
    """
    All that we may run on, less a little (cpu.max).
    """
    quota = (len(os.sched_getaffinity(0)) - LEFT_TO_OTHERS) * PERIOD_MICROSECONDS
    return f"{int(quota)} {PERIOD_MICROSECONDS}"
