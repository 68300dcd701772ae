"""
Where a stopped process keeps the number and the result of its system call (ptrace(2)).
"""

from __future__ import annotations

import ctypes
import os
import platform

from toolcell_worker.syscalls.tables import AARCH64, X86_64

_GETREGSET, _SETREGSET = 0x4204, 0x4205
_NT_PRSTATUS, _NT_ARM_SYSTEM_CALL = 1, 0x404
_NO_CALL = 2**64 - 1
# Places in the general registers, counted in words: struct user_regs_struct of asm/user.h (rax,
# orig_rax), struct user_pt_regs of asm/ptrace.h (x0; the number has a set of its own).
_RESULT = {"x86_64": 10, "aarch64": 0}
_NUMBER = {"x86_64": 15}

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_CALL = {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {}).get("ptrace", -1)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    """
    See ptrace(2).

    Raises:
        OSError: it failed; ESRCH for a process that is gone or is not stopped.
    """
    arguments = (ctypes.c_long(word) for word in (_CALL, request, pid, address, data))
    result = int(_LIBC.syscall(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace request {request:#x} on {pid}: {os.strerror(code)}")
    return result


def skip_call(pid: int) -> None:
    """
    The process is stopped where it enters a system call: the kernel shall not make it.
    """
    if platform.machine() == "aarch64":
        number = ctypes.c_int(-1)
        _transfer(_SETREGSET, pid, _NT_ARM_SYSTEM_CALL, number)
        return
    _set(pid, _NUMBER[platform.machine()], _NO_CALL)


def set_result(pid: int, result: int) -> None:
    """
    The process is stopped where it leaves a system call: this is what came of it.
    """
    _set(pid, _RESULT[platform.machine()], result % 2**64)


def _set(pid: int, place: int, value: int) -> None:
    words = (ctypes.c_uint64 * 64)()
    length = _transfer(_GETREGSET, pid, _NT_PRSTATUS, words)
    words[place] = value
    _transfer(_SETREGSET, pid, _NT_PRSTATUS, words, length)


def _transfer(
    request: int,
    pid: int,
    kind: int,
    words: ctypes.Array[ctypes.c_uint64] | ctypes.c_int,
    length: int = 0,
) -> int:
    vector = _Vector(ctypes.addressof(words), length or ctypes.sizeof(words))
    ptrace(request, pid, kind, ctypes.addressof(vector))
    return int(vector.length)
