"""
The descriptors wall: nothing open but what the process needs.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD = 3  # stdin, stdout, stderr: the ones that programs inherit
FAR = 100  # arbitrary; above every number that `place` fills


def place(wanted: Mapping[int, int]) -> None:
    """
    Put each descriptor at its number (`{number: descriptor}`), and close every other one.  Only the
    standard three are passed on to programs that the process runs.

    Raises:
        ValueError: the numbers are not 0, 1, 2, … without a gap.
        OSError: a descriptor is not open.
    """
    if sorted(wanted) != list(range(len(wanted))) or len(wanted) > FAR:
        raise ValueError(f"descriptors cannot be placed at {sorted(wanted)}")
    # First out of the way: a descriptor may lie at a number that another is to have.
    moved = {n: fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, FAR) for n, d in wanted.items()}
    for number, descriptor in moved.items():
        os.dup2(descriptor, number, inheritable=number < STANDARD)
    syscalls.close_range(len(wanted))


def keep_only(descriptor: int) -> None:
    """
    Close every descriptor but this one.

    Raises:
        OSError: it is not open.
    """
    os.fstat(descriptor)
    if descriptor > 0:
        syscalls.close_range(0, descriptor - 1)
    syscalls.close_range(descriptor + 1)
