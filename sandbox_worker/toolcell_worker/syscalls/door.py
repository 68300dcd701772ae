"""
The one way to system calls that Python does not offer, or not in every version we support.

Theory of operation.  Every call goes through syscall(2) of the C library, found once, when this is
imported: nothing is looked up after a fork.  Arguments are passed as C longs (a bare Python int
would be passed as a C int, and the upper half of the register left undefined) or as pointers to
what the caller keeps alive.  Every failure is an OSError that names the operation.  Like Python's
own calls (PEP 475) these begin again when a signal interrupts them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform

from toolcell_worker.syscalls.tables import AARCH64, X86_64

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_NUMBERS = {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {})

Argument = int | bytes | ctypes.Structure | ctypes.Array[ctypes.c_uint32] | None


def call(name: str, *arguments: Argument, path: str | None = None) -> int:
    """
    Make the system call of this name.  `path` is what a failure is about.

    Raises:
        OSError: it failed, or this machine has none of that name (ENOSYS).
    """
    converted = [_convert(argument) for argument in (_number(name), *arguments)]
    while (result := int(_LIBC.syscall(*converted))) < 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, f"{name}: {os.strerror(code)}", path)
    return result


def _number(name: str) -> int:
    if name not in _NUMBERS:
        raise OSError(errno.ENOSYS, f"{name}: no number is known on {platform.machine()}")
    return _NUMBERS[name]


def _convert(argument: Argument) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    if isinstance(argument, bytes) or argument is None:
        return ctypes.c_char_p(argument)
    return ctypes.byref(argument)
