"""
What one cell uses, all its processes together, and which limit that exceeds.

Theory of operation.  rlimits bound each process alone; eight processes just under a limit are
bounded only by their sum, which somebody has to take.  A look walks the cell's trees from the
tool's process and from its init (whose child every orphan becomes) and adds up what
/proc/PID/status and stat say (proc_pid_status(5)):

* memory: RssAnon above what a fresh child shares with the zygote, plus RssShmem and VmSwap; file
  pages are the kernel's to drop.  Pages of memfd count nowhere, which is why seccomp denies it.
  What forked children share counts once for each of them in this sum; so a cell of several
  processes that seems too large is measured again by smaps_rollup, which divides shared pages (root
  only, and too slow for every tick).  What was found to have room is not measured again before the
  processors can have filled it, so that forking honestly costs little.
* processes and threads; * processor time, of the living and of the children they waited for.

Where the cell has a control group, memory and processor time are its account instead (`_account`):
exact, with what the kernel holds for the cell and with what no process maps.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from toolcell_server import process_tree
from toolcell_server.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.cells import Cell
    from toolcell_server.execution import Execution
    from toolcell_server.limits import Limits
    from toolcell_server.zygote_group import CellGroup

UNSURE = "unsure"
THREADS_BESIDE_PROCESSES = 256  # as the rlimits wall allows: a library's thread pool is no bomb
KERNEL_BYTES = 8 * 2**20  # arbitrary; page tables and stacks of ordinary work count for nothing
MICROSECONDS = 1_000_000  # of a second
LATE_SECONDS = 0.25  # arbitrary; so late the loop may be for the wall clock before others
LONGEST_LOOK_SECONDS = 0.5  # arbitrary; the lock that a look waits for is the tool's to hold
# What the processors fill together of fresh pages; arbitrary, and twice what was measured.
FILLED_PER_SECOND = 4 * 2**30 * (os.cpu_count() or 1)
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True, eq=False)
class Watch:
    """
    One watched cell: its init and its tool's process (which one without an init has for both), and
    its control group if it has one.  `exceeded` is called with the name of a limit as often as a
    look finds it broken, in whatever thread that looks.  `forks`: it may have further processes.
    `deadline`, of the monotonic clock, stands behind the server's own, should that come late.

    Who looks holds `lock`, and looks no more once it is `over`.
    """

    pids: tuple[int, int]
    limits: Limits
    exceeded: Callable[[str], None]
    group: CellGroup | None = None
    forks: bool = True
    deadline: float = math.inf
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False
    peak: Sample = field(default_factory=Sample)
    # Processor time of each process ever seen, by pid and start time; the limit bounds how many.
    seen: dict[tuple[int, int], float] = field(default_factory=dict)
    cpu_before: float = 0.0  # seconds that were used before this execution
    asked: bool = False  # for a closer look
    looking: float | None = None  # closely, since when
    # From the last glance on, if it grows twice as fast as before.
    full_in_seconds: float = math.inf
    glanced: tuple[float, int] = (-1.0, 0)  # when, and at how many bytes
    has_room_until: float = -math.inf  # of the monotonic clock; after a closer look
    shared_bytes: int = -1  # of the init when first seen: what every child shares with the zygote

    @classmethod
    def of(cls, execution: Execution, cell: Cell, exceeded: Callable[[str], None]) -> Self:
        """
        The watch of a cell that serves an execution from now on.
        """
        limits = execution.grant.limits
        return cls(
            cell.pids,
            limits,
            exceeded,
            cell.group,
            forks=execution.grant.profile == "subprocess",
            deadline=time.monotonic() + limits.wall_seconds + LATE_SECONDS,
        )

    def look(self) -> str:
        """
        Take a sample; the name of the limit that is exceeded, or nothing.
        """
        sample = self._sample()
        if self._is_unsure(sample):
            precisely = process_tree.proportional_bytes(*self.pids)
            sample.memory_bytes = sample.memory_bytes if precisely is None else precisely
        return self._judge(sample)

    def glance(self) -> str:
        """
        As `look`, but `UNSURE` of memory where that would take long.
        """
        sample = self._sample()
        self._foresee(sample.memory_bytes)
        if not self._is_unsure(sample):
            return self._judge(sample)
        sample.memory_bytes = 0
        unsure = "" if time.monotonic() < self.has_room_until else UNSURE
        return self._judge(sample) or unsure

    def judge_memory(self, precisely: int | None) -> str:
        """
        The same, once a closer look has said how much it is; None: it could not tell.
        """
        if precisely is None:
            return "memory"
        self.peak.memory_bytes = max(self.peak.memory_bytes, precisely)
        room = self.limits.memory_bytes - precisely
        self.has_room_until = time.monotonic() + room / FILLED_PER_SECOND
        return "memory" if precisely > self.limits.memory_bytes else ""

    def looked_too_long(self) -> bool:
        """
        Whether a closer look takes longer than it may, once it has begun.
        """
        began = self.looking
        return began is not None and time.monotonic() - began > LONGEST_LOOK_SECONDS

    def look_closely(self) -> int | None:
        """
        Takes as long as the kernel, and a lock of the tool's, make it take; runs in a thread.
        """
        self.looking = time.monotonic()
        return process_tree.proportional_bytes(*self.pids)

    def _foresee(self, memory_bytes: int) -> None:
        now, room = time.monotonic(), self.limits.memory_bytes - memory_bytes
        before, had = self.glanced
        self.glanced = (now, memory_bytes)
        # Before the first look it may have grown as fast as can be.
        grown = (memory_bytes - had) / (now - before) if before >= 0 else FILLED_PER_SECOND
        self.full_in_seconds = full_in_seconds(room, 2 * grown)

    def _is_unsure(self, sample: Sample) -> bool:
        if self.group is not None:
            return False  # nothing was counted twice
        return sample.processes > 1 and sample.memory_bytes > self.limits.memory_bytes

    def _judge(self, sample: Sample) -> str:
        self.peak.raise_to(sample)
        if time.monotonic() > self.deadline:
            return "wall"
        if sample.memory_bytes > self.limits.memory_bytes:
            return "memory"
        if sample.processes > self.limits.processes:
            return "processes"
        if sample.threads > self.limits.processes + THREADS_BESIDE_PROCESSES - 2:
            return "processes"
        return "cpu" if sample.cpu_seconds > self.limits.cpu_seconds else ""

    def _sample(self) -> Sample:
        sample = Sample()
        if self.shared_bytes < 0:
            # Of the init only: the tool may have taken much by now, which must count.
            with contextlib.suppress(OSError):
                self.shared_bytes = process_tree.status(self._fresh()).get(b"RssAnon", 0)
        for pid in process_tree.tree(*set(self.pids)) if self.forks else set(self.pids):
            with contextlib.suppress(OSError):  # it has ended
                self._add(pid, sample)
        sample.processes -= len(set(self.pids)) - 1  # the init is ours, not the tool's
        # Whoever ignores SIGCHLD is never told its children's time, and the kernel forgets it.
        sample.cpu_seconds = max(sample.cpu_seconds, sum(self.seen.values()))
        if self.group is not None:
            try:
                self._account(self.group, sample)
            except OSError:  # it has ended; the sum over its last processes is nobody's fault
                sample.memory_bytes = 0
        sample.cpu_seconds = max(0.0, sample.cpu_seconds - self.cpu_before)
        return sample

    def _fresh(self) -> int:
        """
        A process that shares with the zygote what a tool does when it begins, and takes no more:
        the init; for a cell that has none, the zygote itself.
        """
        init, tool = self.pids
        return init if init != tool else process_tree.status(tool)[b"PPid"]

    def _account(self, group: CellGroup, sample: Sample) -> None:
        """
        Memory and processor time as the control group counts them.  Files that the cell has
        written to its own disk are shared memory to the kernel, and have a limit of their own.
        """
        stat = group.table("memory.stat")
        shared = stat.get("shmem", 0)
        beyond_disk = max(0, shared - self.limits.disk_bytes)
        kernel = stat.get("kernel", 0) + stat.get("sock", 0) - KERNEL_BYTES
        mapped = min(shared, sample.shared_bytes)
        sample.memory_bytes = stat["anon"] + max(beyond_disk, mapped) + max(0, kernel)
        used = group.table("cpu.stat").get("usage_usec", 0)
        sample.cpu_seconds = max(sample.cpu_seconds, used / MICROSECONDS)

    def _add(self, pid: int, sample: Sample) -> None:
        status = process_tree.status(pid)
        own = status.get(b"RssAnon", 0) - max(0, self.shared_bytes)
        sample.shared_bytes += status.get(b"RssShmem", 0)
        sample.memory_bytes += max(0, own) + status.get(b"RssShmem", 0) + status.get(b"VmSwap", 0)
        sample.processes += 1
        sample.threads += status.get(b"Threads", 1)
        times = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        user, system, *waited_for = map(int, times[11:15])
        sample.cpu_seconds += (user + system + sum(waited_for)) / CLOCK_TICKS
        self.seen[pid, int(times[19])] = (user + system) / CLOCK_TICKS


def full_in_seconds(room_bytes: int, bytes_per_second: float) -> float:
    """
    When the limit is reached; never by one that shrinks, nor again by one that is beyond it.
    """
    if room_bytes < 0 or bytes_per_second <= 0:
        return math.inf
    return room_bytes / bytes_per_second
