"""
System calls that a zygote has prepared, and its children make.

Theory of operation.  A forked child shares its parent's memory until it writes to it, and running
Python writes nearly everywhere: each function, code object and module that is touched has a count
of references in its page, and the kernel copies that page.  Walls built by ordinary code cost some
500 of these copies and 2.5 ms a cell, of which the kernel's own work on the walls is a third.

So a wall that is the same for many cells is written down once, as a list of system calls whose
arguments are ready: numbers, texts and structures in memory that stays where it is.  A child walks
down the list.  What one call returns (a descriptor) can be an argument of a later one; what is
known only when a child is forked (its slot) is an argument that is filled in then.  The first
failure ends the walk: there is no path on which a step is skipped.

Tried and dropped: rehearsing the walls and recording the calls (descriptors then have to come out
alike), and populating the pages in advance (saves the faults, not the copies).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from typing import Any

from toolcell_worker.syscalls.tables import AARCH64, X86_64
from toolcell_worker.walls.failure import SetupFailed

_NUMBERS = {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {})
# Not released during a call: there is nobody else, and letting go of it costs more than most calls.
_LIBC = ctypes.PyDLL(None, use_errno=True)
_syscall = _LIBC.syscall
_MOST_ARGUMENTS = 6
_syscall.argtypes = (ctypes.c_long,) * (1 + _MOST_ARGUMENTS)
_syscall.restype = ctypes.c_long

Value = ctypes.c_long  # what is not known before the child runs
Number = ctypes.c_long | ctypes.c_uint64 | ctypes.c_uint32 | ctypes.c_int32
Argument = int | bytes | ctypes.Structure | ctypes.Array[Any] | Value | None
# Arguments of a call or nothing; its result, or the number that is looked at or set; the other
# number, and whether they must differ, None: it is copied; the wall; what it is about.
_Step = tuple[tuple[Any, ...] | None, Any, tuple[Any, bool | None] | None, str, str]


def prepared(name: str, *numbers: int) -> tuple[int, ...]:
    """
    A system call with numbers as arguments, for `make`.
    """
    missing = (0,) * (_MOST_ARGUMENTS - len(numbers))
    return (_NUMBERS[name], *numbers, *missing)


def make(call: tuple[int, ...]) -> int:
    """
    Make a prepared system call: what it returns, or -1.
    """
    return int(_syscall(*call))


class Steps:
    """
    A list of steps, which grows in a zygote and is run in its children.
    """

    def __init__(self) -> None:
        self._wall = ""
        self._kept: list[object] = []  # what pointers point to
        self._asked_for: set[int] = set()  # ids of results that a later step needs
        self._steps: list[_Step] = []

    @property
    def building(self) -> str:
        """
        The wall that was begun last.
        """
        return self._wall

    def wall(self, name: str) -> None:
        """
        What follows builds this wall.
        """
        self._wall = name

    def call(self, name: str, *arguments: Argument, what: str = "") -> Value:
        """
        Make the system call of this name; `what` is what a failure is about.

        Returns:
            Where its result will be.

        Raises:
            OSError: this machine has none of that name (ENOSYS).
        """
        if name not in _NUMBERS:
            raise OSError(errno.ENOSYS, f"{name}: no number is known on {platform.machine()}")
        result = Value(-1)
        missing = (0,) * (_MOST_ARGUMENTS - len(arguments))
        given = (_NUMBERS[name], *map(self._ready, arguments), *missing)
        self._steps.append((given, result, None, self._wall, f"{name}: {what}".rstrip(": ")))
        return result

    def expect(
        self, found: Number, wanted: Number, complaint: str, *, differs: bool = False
    ) -> None:
        """
        Go on only if both are the same; with `differs`, only if they are not.
        """
        self._asked_for |= {id(found), id(wanted)}
        self._steps.append((None, found, (wanted, differs), self._wall, complaint))

    def copy(self, source: Number, target: Number) -> None:
        """
        Put a result where a structure has it.
        """
        self._asked_for |= {id(source), id(target)}
        self._steps.append((None, target, (source, None), self._wall, ""))

    def ask_for(self, result: Value) -> None:
        """
        Keep this result: somebody else looks at it.
        """
        self._asked_for.add(id(result))

    def seal(self) -> None:
        """
        The list is whole: results that nobody asks for need not be kept.
        """
        self._steps = [
            (given, value if id(value) in self._asked_for else None, other, wall, what)
            for given, value, other, wall, what in self._steps
        ]

    def run(self) -> None:
        """
        Make every step.  One function, as each further one would cost its pages.

        Raises:
            SetupFailed: one failed; names the wall.
        """
        for given, value, other, wall, what in self._steps:
            if given is not None:
                number = _syscall(*given)
                while number < 0:
                    code = ctypes.get_errno()
                    if code != errno.EINTR:
                        raise SetupFailed(wall, code, f"{what}: {os.strerror(code)}")
                    number = _syscall(*given)
                if value is not None:
                    value.value = number
            elif other is not None:
                number, differs = other
                if differs is None:
                    value.value = number.value
                elif (value.value == number.value) is differs:
                    raise SetupFailed(wall, errno.EPERM, what)

    def _ready(self, argument: Argument) -> int | Value:
        """
        A number, or where one will be; what is in memory stays there and is passed by its address.
        """
        if argument is None:
            return 0
        if isinstance(argument, int):
            return argument
        self._asked_for.add(id(argument))
        self._kept.append(argument)
        if isinstance(argument, Value):
            return argument
        if isinstance(argument, bytes):
            argument = ctypes.create_string_buffer(argument)
            self._kept.append(argument)
        return ctypes.addressof(argument)
