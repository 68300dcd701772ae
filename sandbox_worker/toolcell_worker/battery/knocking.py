"""
How attacks on the kernel try system calls, and what they say of each.

Theory of operation.  Whether a system call was let through shows in its answer only: the filter of
a cell answers EPERM or ENOSYS, before any code of the kernel's runs.  Every other answer, success
or a complaint about a bad argument, was given by the code that should not have been reached.  So
arguments are chosen that the kernel itself checks and turns down, and that could do no harm if it
did not.  Each answer is printed at once: the next call may be the last.
"""

from __future__ import annotations

import ctypes
import errno
import platform
from typing import Any

from toolcell_worker.syscalls.tables import AARCH64, X86_64

NUMBERS = {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {})
REFUSALS = frozenset({errno.EPERM, errno.ENOSYS})
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

Argument = int | bytes | ctypes.Structure | ctypes.Array[Any] | None


class Knocking:
    """
    Collects the answers of one attack.
    """

    def __init__(self, refusals: frozenset[int] = REFUSALS) -> None:
        self.answers: list[str] = []
        self.refusals = refusals

    def call(self, name: str, *arguments: Argument) -> int:
        """
        Make the system call of this name; what it returned, -1 for a failure.
        """
        if name not in NUMBERS:
            self.note(name, -1, errno.ENOSYS)
            return -1
        converted = [_convert(argument) for argument in (NUMBERS[name], *arguments)]
        ctypes.set_errno(0)
        result = int(LIBC.syscall(*converted))
        self.note(name, result, ctypes.get_errno())
        return result

    def note(self, what: str, result: int, code: int) -> None:
        """
        Say how a call was answered.
        """
        if result < 0 and code in self.refusals:
            self.say(f"refused: {what} {errno.errorcode[code]}")
        elif result < 0:
            self.say(f"reached: {what} {errno.errorcode.get(code, code)}")
        else:
            self.say(f"reached: {what} returned {result}")

    def attempt(self, what: str, action: Any) -> Any:
        """
        The same for what Python offers as a function; what it returned, None for a failure.
        """
        try:
            result = action()
        except OSError as exc:
            self.note(what, -1, exc.errno or 0)
            return None
        self.say(f"reached: {what}")
        return result

    def say(self, line: str) -> None:
        """
        Remember an answer, and tell it before anything else can happen.
        """
        self.answers.append(line)
        print(line, flush=True)  # noqa: T201  # what came out is what the oracle sees


def _convert(argument: Argument) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    if isinstance(argument, bytes) or argument is None:
        return ctypes.c_char_p(argument)
    return ctypes.byref(argument)
