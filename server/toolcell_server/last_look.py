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
from typing import TYPE_CHECKING, Final

from toolcell_server.cells import Reaping

if TYPE_CHECKING:
    from toolcell_server.cells import Cell

CLOCK_OF_PROCESS: Final = 2  # CPUCLOCK_SCHED, of all threads together (linux/posix-timers.h)
TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
FEW_TICKS: Final = 10  # arbitrary; the kernel's share of less is a guess
SMALL_BYTES: Final = 128 * 2**20  # arbitrary; what the kernel frees in some milliseconds
STATUS_BYTES: Final = 8192  # arbitrary; it has some 1500
_USER, _SYSTEM = 11, 12  # utime and stime, behind the name (proc_pid_stat(5))


def dismiss(cell: Cell, *, await_it: bool) -> Reaping | None:
    """
    The account of a cell that has said all, which whoever has made it is to kill now.  If its end
    has to be waited for, nothing, and it is killed: its control group will know better, it is
    large, it has ended already, or the caller says so.
    """
    found = account(cell.pids[1]) if cell.group is None else None
    if found is None or found.peak_bytes > SMALL_BYTES or await_it:
        cell.kill()
        return None
    cell.dismissed = True
    return found


def account(pid: int) -> Reaping | None:
    """
    The account of a process that has not ended, as if it had with 0; nothing if it has.
    """
    try:
        peak = _peak_bytes(pid)
        seconds = time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)
        system = 0.0 if seconds < FEW_TICKS * TICK_SECONDS else seconds * _part_of_kernel(pid)
    except (OSError, LookupError, ValueError):
        return None
    return Reaping(0, seconds - system, system, peak)


def _peak_bytes(pid: int) -> int:
    """
    Raises:
        ValueError: it has no memory any more.
    """
    status = _read(f"/proc/{pid}/status")
    # The first line is a name that the process has given itself; a line feed in it is written "\n".
    begin = status.index(b"\nVmHWM:") + len(b"\nVmHWM:")
    return int(status[begin : status.index(b"kB", begin)]) * 1024


def _part_of_kernel(pid: int) -> float:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    user, system = int(fields[_USER]), int(fields[_SYSTEM])
    return system / max(1, user + system)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.ExitStack() as resources:
        resources.callback(os.close, descriptor)
        return os.read(descriptor, STATUS_BYTES)
