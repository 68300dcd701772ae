"""
What the kernel has counted of a process that is about to end.

Theory of operation.  Whoever has been waited for is accounted to its parent (wait4(2)); here is
the same for one whose filter asks whether it may end, so that its caller need not wait until it
has.  Its processor's clock
(clock_getcpuclockid(3)) is exact; how much of it was the kernel's is known to a tick, and not asked
of one that has used a few ticks only.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Final

from toolcell_server.cells import Reaping

CLOCK_OF_PROCESS: Final = 2  # CPUCLOCK_SCHED, of all threads together (linux/posix-timers.h)
TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
FEW_TICKS: Final = 10  # arbitrary; the kernel's share of less is a guess
CODE_SHIFT: Final = 8  # of an exit code in a wait status (wait(2))
SMALL_BYTES: Final = 128 * 2**20  # arbitrary; what the kernel frees in some milliseconds
STATUS_BYTES: Final = 8192  # arbitrary; it has some 1500
_USER, _SYSTEM = 11, 12  # utime and stime, behind the name (proc_pid_stat(5))


def account(pid: int, code: int) -> Reaping | None:
    """
    The account of a process that is about to end with an exit code; nothing if it has ended, is so
    large that the kernel will need long, or has other threads, which go on meanwhile.
    """
    try:
        status = _read(f"/proc/{pid}/status")
        # The first line is a name that the process has given itself; a line feed in it is "\\n".
        peak = int(_value(status, b"VmHWM").split()[0]) * 1024
        threads = int(_value(status, b"Threads"))
        seconds = time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)
        system = 0.0 if seconds < FEW_TICKS * TICK_SECONDS else seconds * _part_of_kernel(pid)
    except (OSError, LookupError, ValueError):
        return None
    if peak > SMALL_BYTES or threads > 1:
        return None
    return Reaping(code << CODE_SHIFT, seconds - system, system, peak)


def so_far(pid: int) -> Reaping | None:
    """
    The account of a process until now; nothing if it has ended.
    """
    try:
        peak = int(_value(_read(f"/proc/{pid}/status"), b"VmHWM").split()[0]) * 1024
        seconds = time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)
        system = seconds * _part_of_kernel(pid)
    except (OSError, LookupError, ValueError):
        return None
    return Reaping(0, seconds - system, system, peak)


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
