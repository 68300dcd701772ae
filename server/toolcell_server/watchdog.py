"""
Watches all processes of each cell together, where no control group does it for us.

Theory of operation.  rlimits bound each process alone; eight processes just under a limit are
bounded only by their sum, which somebody has to take.  Every tick we walk each cell's trees
from the tool's process and from its init (whose child every orphan becomes) and add up what
/proc/PID/status and stat say (proc_pid_status(5)):

* memory: RssAnon above what a fresh child shares with the zygote, plus RssShmem; file pages are
  the kernel's to drop.  Pages of memfd count nowhere, which is why seccomp denies it.  What forked
  children share counts once for each of them in this sum; so a cell of several processes that
  seems too large is measured again by smaps_rollup, which divides shared pages (root only, and
  too slow for every tick).
* processes and threads; * processor time, of the living and of the children they waited for.

Between two ticks a cell can overshoot by what can be touched in 20 ms: this wall is degraded.

The `children` file costs 15 µs a process; psutil's `children(recursive=True)` reads every process
of the host for each cell.  It is the fallback where the kernel lacks the file
(CONFIG_PROC_CHILDREN).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.limits import Limits

UNSURE = "unsure"
TICK_SECONDS = 0.02  # arbitrary; see above
THREADS_BESIDE_PROCESSES = 256  # as the rlimits wall allows: a library's thread pool is no bomb
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
HAS_CHILDREN_FILE = Path("/proc/thread-self/children").exists()


@dataclass(slots=True)
class Sample:
    """
    One look at a cell, or the peaks over many.
    """

    memory_bytes: int = 0
    processes: int = 0
    threads: int = 0
    cpu_seconds: float = 0.0

    def raise_to(self, other: Sample) -> None:
        """
        Become the peak of both.
        """
        self.memory_bytes = max(self.memory_bytes, other.memory_bytes)
        self.processes = max(self.processes, other.processes)
        self.threads = max(self.threads, other.threads)
        self.cpu_seconds = max(self.cpu_seconds, other.cpu_seconds)


@dataclass(slots=True, eq=False)
class Watch:
    """
    One watched cell: its init and its tool's process.  `exceeded` is called with the name of a
    limit as often as a look finds it broken.
    """

    pids: tuple[int, int]
    limits: Limits
    exceeded: Callable[[str], None]
    peak: Sample = field(default_factory=Sample)
    # Processor time of each process ever seen, by pid and start time; the limit bounds how many.
    seen: dict[tuple[int, int], float] = field(default_factory=dict)
    looking: bool = False
    shared_bytes: int = -1  # of the init when first seen: what every child shares with the zygote

    def look(self) -> str:
        """
        Take a sample; the name of the limit that is exceeded, or nothing.
        """
        sample = self._sample()
        if self._is_unsure(sample):
            sample.memory_bytes = _proportional_bytes(*self.pids) or sample.memory_bytes
        return self._judge(sample)

    def glance(self) -> str:
        """
        As `look`, but `UNSURE` where that would take long.
        """
        sample = self._sample()
        return UNSURE if self._is_unsure(sample) else self._judge(sample)

    def _is_unsure(self, sample: Sample) -> bool:
        return sample.processes > 1 and sample.memory_bytes > self.limits.memory_bytes

    def _judge(self, sample: Sample) -> str:
        self.peak.raise_to(sample)
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
                self.shared_bytes = _status(self.pids[0]).get(b"RssAnon", 0)
        for pid in _tree(*self.pids):
            with contextlib.suppress(OSError):  # it has ended
                self._add(pid, sample)
        sample.processes -= 1  # the init is ours, not the tool's
        # Whoever ignores SIGCHLD is never told its children's time, and the kernel forgets it.
        sample.cpu_seconds = max(sample.cpu_seconds, sum(self.seen.values()))
        return sample

    def _add(self, pid: int, sample: Sample) -> None:
        status = _status(pid)
        own = status.get(b"RssAnon", 0) - max(0, self.shared_bytes)
        sample.memory_bytes += max(0, own) + status.get(b"RssShmem", 0)
        sample.processes += 1
        sample.threads += status.get(b"Threads", 1)
        times = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        user, system, *waited_for = map(int, times[11:15])
        sample.cpu_seconds += (user + system + sum(waited_for)) / CLOCK_TICKS
        self.seen[pid, int(times[19])] = (user + system) / CLOCK_TICKS


class Watchdog:
    """
    Looks at every watched cell once a tick, while there are any.
    """

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._task: asyncio.Task[None] | None = None
        self._closely: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """
        Watch a cell for as long as the context lasts.
        """
        self._watches.add(watch)
        if self._task is None:
            self._task = asyncio.create_task(self._patrol())
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def _look(self, watch: Watch) -> None:
        limit = watch.glance()
        if limit == UNSURE:
            watch.looking = True
            task = asyncio.create_task(self._look_closely(watch))
            self._closely.add(task)
            task.add_done_callback(self._closely.discard)
        elif limit:
            watch.exceeded(limit)

    async def _look_closely(self, watch: Watch) -> None:
        """
        In a thread: the kernel may take a tenth of a second to add up what many processes share.
        """
        try:
            limit = await asyncio.to_thread(watch.look)
        finally:
            watch.looking = False
        if limit and watch in self._watches:
            watch.exceeded(limit)

    async def _patrol(self) -> None:
        try:
            while self._watches:
                # First a tick: most calls are over before it.
                await asyncio.sleep(TICK_SECONDS)
                for watch in list(self._watches):
                    if not watch.looking:
                        self._look(watch)
        finally:
            self._task = None


def _tree(*pids: int) -> Iterator[int]:
    """
    These processes and all their descendants, as long as they live.
    """
    pending = list(pids)
    while pending:
        pid = pending.pop()
        yield pid
        pending += _children(pid) if HAS_CHILDREN_FILE else _children_by_psutil(pid)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _children_by_psutil(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def _status(pid: int) -> dict[bytes, int]:
    """
    The numbers of /proc/PID/status that we need; sizes in bytes.  Bytes, not text: the first line
    is a name that the process has given itself, and may hold anything but a line feed.
    """
    wanted = {}
    for line in Path(f"/proc/{pid}/status").read_bytes().split(b"\n")[1:]:
        key, _, value = line.partition(b":")
        if key in {b"RssAnon", b"RssShmem"}:
            wanted[key] = int(value.split()[0]) * 1024
        elif key == b"Threads":
            wanted[key] = int(value)
    return wanted


def _proportional_bytes(*pids: int) -> int:
    """
    Memory of these processes and their descendants, each shared page divided by who share it;
    0 where the kernel does not tell us, who are not root: a cell cannot be looked into.
    """
    total = 0
    for pid in _tree(*pids):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except PermissionError:
            return 0
        except OSError:  # it has ended
            continue
        shares = [line.split()[1] for line in lines if line.startswith(("Pss_Anon", "Pss_Shmem"))]
        total += sum(map(int, shares)) * 1024
    return total
