"""
What tells that a granted file is still the one, with the same content.

Theory of operation.  The descriptors that a call was granted are asked, not their names: they are
what its cell reads.  A file that was written, replaced, truncated, renamed or given other rights
has another inode, or another time of its last change (ctime), which nobody without privileges can
set back (inode(7)).

That time comes in ticks, of 4 ms here and of 2 s on some file systems: a file that was written just
now may be written again without a trace, as git knows of its index ("racy").  So only a mark that
was `settled` when it was made tells anything, and only if it is the same after the tool has read.

A folder has no mark: what lies deeper leaves no trace in it.  Who writes through a shared memory
map (mmap(2)) is seen when the kernel writes it back, as late as half a minute after.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.grants import OpenedMount

SETTLED_NANOSECONDS: Final = 2_500_000_000  # above the coarsest tick of a file system

# Path, device, inode, size, and the times of the last write and of the last change.
Mark = tuple[str, int, int, int, int, int]


def marks_of(mounts: Sequence[OpenedMount]) -> tuple[Mark, ...] | None:
    """
    The marks of what is granted; None if something of it has none.  What does not exist is not
    among the mounts, and so makes a difference when it does.
    """
    marks = []
    for mount in mounts:
        if mount.descriptor < 0:
            return None
        found = os.fstat(mount.descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        times = found.st_mtime_ns, found.st_ctime_ns
        marks.append((mount.path.path, found.st_dev, found.st_ino, found.st_size, *times))
    return tuple(marks)


def settled(marks: Sequence[Mark], now_nanoseconds: int) -> bool:
    """
    Whether no later change can look like none.  `now_nanoseconds` is of the clock that files are
    marked with: `time.time_ns()`.
    """
    return all(mark[-1] < now_nanoseconds - SETTLED_NANOSECONDS for mark in marks)
