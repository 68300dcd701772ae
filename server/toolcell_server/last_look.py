"""
What the kernel has counted of a process that waits for its end.

Theory of operation.  Whoever has been waited for is accounted to its parent (wait4(2)); here is
the same for one that still lives, so that its caller need not wait for that.  Its processor's clock
(clock_getcpuclockid(3)) is exact; how much of it was the kernel's is known to a tick, and not asked
of one that has used a few ticks only.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Final

from toolcell_server.cells import Reaping

CLOCK_OF_PROCESS: Final = 2  # CPUCLOCK_SCHED, of all threads together (linux/posix-timers.h)
TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
FEW_TICKS: Final = 10  # arbitrary; the kernel's share of less is a guess
SMALL_BYTES: Final = 128 * 2**20  # arbitrary; what the kernel frees in some milliseconds
STATUS_BYTES: Final = 8192  # arbitrary; it has some 1500
_USER, _SYSTEM = 11, 12  # utime and stime, behind the name (proc_pid_stat(5))


@dataclass(frozen=True, slots=True)
class Look:
    """
    What was seen: the account as if the process had ended with 0, and whether it is asleep, as one
    that waits must be.
    """

    account: Reaping
    is_asleep: bool

    @property
    def is_small(self) -> bool:
        return self.account.peak_bytes <= SMALL_BYTES


def look(pid: int) -> Look | None:
    """
    A look at a process; nothing if it has ended.
    """
    try:
        status = _read(f"/proc/{pid}/status")
        seconds = time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)
        system = 0.0 if seconds < FEW_TICKS * TICK_SECONDS else seconds * _part_of_kernel(pid)
        # The first line is a name that the process has given itself; a line feed in it is "\\n".
        peak = int(_value(status, b"VmHWM").split()[0]) * 1024
        asleep = _value(status, b"State").startswith(b"S")
    except (OSError, LookupError, ValueError):
        return None
    return Look(Reaping(0, seconds - system, system, peak), asleep)


def _value(status: bytes, key: bytes) -> bytes:
    """
    Raises:
        ValueError: there is no such line; one that has ended has no memory.
    """
    begin = status.index(b"\n" + key + b":\t") + len(key) + 3
    return status[begin : status.index(b"\n", begin)]


def _part_of_kernel(pid: int) -> float:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    user, system = int(fields[_USER]), int(fields[_SYSTEM])
    return system / max(1, user + system)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.ExitStack() as resources:
        resources.callback(os.close, descriptor)
        return os.read(descriptor, STATUS_BYTES)
