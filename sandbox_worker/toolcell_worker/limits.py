"""
Which limit an exception shows.

A limit that the kernel enforces reaches a tool as an error of its own: a full disk, a failed
allocation.  What a tool does not catch ends the execution as `exceeded`, not as `failed`.
"""

from __future__ import annotations

import errno
import mmap
from typing import TYPE_CHECKING

from toolcell_worker import witness
from toolcell_worker.denials import chain
from toolcell_worker.errors import ResultTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

BY_NUMBER = {
    errno.EFBIG: "file_size",
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EMFILE: "open_files",
    errno.ETOOMANYREFS: "open_files",  # too many were sent, and not yet received
    errno.ENOMEM: "memory",
}
STACK_BYTES = 8 * 2**20  # what a new thread maps by default
# What an ending can be written with when there is no more memory (`run.py`); arbitrary, a traceback
# of 8 KiB is formatted in about a tenth of it.
RESERVE_BYTES = 2 * 2**20

HINTS = {
    "memory": "Work on less data at a time: it needed more memory than it may use.",
    "result": "Ask for less at a time: fewer rows, a smaller range, a filter.",
    "file_size": "Write less into one file, or split it: files may not grow beyond a limit.",
    "disk": "Write less, or delete what is no longer needed: its private disk is full.",
    "open_files": "Close files before opening more: only so many may be open at one time.",
    "processes": "Start fewer processes and threads, or wait for some to end first.",
}
SPOKEN = {
    "memory": "The tool ran out of memory.",
    "result": "The answer was too large.",
    "file_size": "The tool tried to write too large a file.",
    "disk": "The tool ran out of disk space.",
    "open_files": "The tool opened too many files.",
    "processes": "The tool started too many processes.",
}


def exceeded(exc: BaseException) -> str:
    """
    Name of the limit that an exception, or one of its causes, shows; empty if none does.
    """
    return _first(_shown(link) for link in chain(exc))


def _first(names: Iterable[str]) -> str:
    return next(filter(None, names), "")


def _shown(exc: BaseException) -> str:
    if isinstance(exc, ResultTooLarge):
        return "result"
    if isinstance(exc, MemoryError):
        return "memory"
    if isinstance(exc, RuntimeError) and str(exc).startswith("can't start new thread"):
        return _thread()
    if not isinstance(exc, OSError):
        return ""
    if exc.errno == errno.EAGAIN and exc.filename is None and witness.latest(witness.PROCESS):
        return "processes"
    return BY_NUMBER.get(exc.errno or 0, "")


def _thread() -> str:
    """
    A thread needs a process slot and memory for its stack, and the message is the same for both.
    """
    # And what the C library keeps beside its stack; the reserve is given back by now.
    a_thread = STACK_BYTES + STACK_BYTES // 8 + RESERVE_BYTES
    try:
        mmap.mmap(-1, a_thread, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, MemoryError):
        return "memory"
    return "processes"
