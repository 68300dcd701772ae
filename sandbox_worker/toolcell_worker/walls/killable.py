"""
Whether who asks the holder of a listener waits for the answer or his death, and nothing else.

Otherwise a signal interrupts a call once it was seen: its handler runs, the call begins again, and
is seen twice.  Then nothing follows from having seen it.
"""

from __future__ import annotations

import errno
import functools

from toolcell_worker import syscalls

NEW_LISTENER = 1 << 3  # SECCOMP_FILTER_FLAG_NEW_LISTENER (linux/seccomp.h)
WAIT_KILLABLE = 1 << 5  # SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)
_SET_MODE_FILTER = 1  # SECCOMP_SET_MODE_FILTER


@functools.cache
def flag() -> int:
    """
    The flag, where the kernel knows it, else 0: it refuses one that it does not know (EINVAL), and
    goes on to the program, which is none (EFAULT), where it does.
    """
    try:
        syscalls.seccomp(_SET_MODE_FILTER, NEW_LISTENER | WAIT_KILLABLE, None)
    except OSError as exc:
        return 0 if exc.errno == errno.EINVAL else WAIT_KILLABLE
    return WAIT_KILLABLE
