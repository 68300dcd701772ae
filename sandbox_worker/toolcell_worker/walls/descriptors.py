"""
The descriptors wall: nothing open but what the process needs.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_worker.steps import Steps, Value

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


def add_steps(steps: Steps, given: Sequence[Value]) -> Value:
    """
    As `place`, as steps: nothing to read at 0, and channel, stdout and stderr, in the order in
    which they are given, at 3, 1 and 2.

    Returns:
        Where 0 will be once they are there, and -1 until then.
    """
    null = steps.call("openat", -100, b"/dev/null", os.O_RDONLY, 0, what="/dev/null")
    wanted = (null, *given[1:], given[0])
    moved = [steps.call("fcntl", each, fcntl.F_DUPFD_CLOEXEC, FAR) for each in wanted]
    for number, descriptor in enumerate(moved):
        steps.call("dup3", descriptor, number, 0 if number < STANDARD else os.O_CLOEXEC)
    return steps.call("close_range", len(wanted), 2**32 - 1, 0)
