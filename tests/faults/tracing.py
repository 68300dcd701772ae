"""
Follows processes from one system call to the next, and lets chosen calls fail.

Theory of operation.  We seize a process (ptrace(2), PTRACE_SEIZE) and follow whatever it forks.
Each system call stops a process twice.  When it enters one, the `Watcher` may name an error: the
kernel is then told that there is no call (number -1), and when the process leaves, the error is the
result.  The process cannot tell that from a kernel, or an outer seccomp filter, that refuses.

An outer filter would be the simpler way, but it cannot count: it lets every openat fail, not the
seventh.  A filter with a notifier could, and would take the one notifier that a process may have.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
from dataclasses import dataclass, field
from typing import Protocol

from toolcell_worker.syscalls.tables import AARCH64, X86_64

from faults.registers import ptrace, set_result, skip_call

# linux/ptrace.h
_CONT, _DETACH, _SYSCALL = 7, 17, 24
_GETEVENTMSG, _SEIZE, _INTERRUPT, _GET_SYSCALL_INFO = 0x4201, 0x4206, 0x4207, 0x420E
_TRACESYSGOOD, _TRACEFORK, _TRACEVFORK, _TRACECLONE = 0x1, 0x2, 0x4, 0x8
_FORKS = (1, 2, 3)  # PTRACE_EVENT_FORK, _VFORK, _CLONE
_ENTRY = 1
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_ALL = 0x4000_0000  # __WALL (linux/wait.h)
NAMES = {
    number: name
    for name, number in {"x86_64": X86_64, "aarch64": AARCH64}.get(platform.machine(), {}).items()
}


class _Call(ctypes.Structure):
    """
    struct ptrace_syscall_info, of a stop where a call is entered.
    """

    _fields_ = (
        ("operation", ctypes.c_uint8),
        ("architecture", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    )


class Watcher(Protocol):
    """
    Who is told what the processes do.
    """

    def entered(self, tracer: Tracer, pid: int, name: str, arguments: tuple[int, ...]) -> int:
        """
        A process makes a system call; the error that it shall meet, or 0.
        """

    def born(self, tracer: Tracer, pid: int, parent: int) -> bool:
        """
        A process was forked; whether its system calls are of interest.
        """

    def ended(self, tracer: Tracer, pid: int) -> None:
        """
        A process is gone.
        """


@dataclass
class Tracer:
    """
    Follows some processes.  Used by one thread: the kernel knows a tracer by its thread.
    """

    watcher: Watcher
    over: bool = False  # the watcher has seen enough
    calls: dict[int, bool] = field(default_factory=dict)  # whether its calls are of interest
    _failing: dict[int, int] = field(default_factory=dict)  # the error that it shall meet
    _early: set[int] = field(default_factory=set)  # stopped, and not known yet whose child it is
    _releasing: set[int] = field(default_factory=set)
    _held: set[int] = field(default_factory=set)
    _stopped: int = -1  # whose stop the watcher is being told of

    def seize(self, pid: int, *, calls: bool) -> None:
        """
        Follow a process and what it forks from now on.
        """
        ptrace(_SEIZE, pid, 0, _TRACESYSGOOD | _TRACEFORK | _TRACEVFORK | _TRACECLONE)
        self.calls[pid] = calls
        if calls:  # from its stop it goes on call by call, beginning with the one it waits in
            ptrace(_INTERRUPT, pid)
            self._take(*os.waitpid(pid, _ALL))

    def follow(self) -> None:
        """
        Let everything run until the watcher has seen enough, or nothing is left to follow.  Who is
        followed then, and not released, may only be killed.
        """
        while self.calls and not self.over:
            self._take(*os.waitpid(-1, _ALL))

    def release(self, pid: int) -> None:
        """
        Follow this one, which is stopped now, no longer.
        """
        self._releasing.add(pid)

    def hold(self, pid: int) -> None:
        """
        Leave this one, which is stopped now, where it is until `free`.
        """
        self._held.add(pid)

    def free(self) -> None:
        """
        Let whoever is held go on.
        """
        held, self._held = self._held, set()
        for pid in held - {self._stopped}:
            with contextlib.suppress(ProcessLookupError):  # killed while it was held
                self._resume(pid, 0)

    def _take(self, pid: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            if self.calls.pop(pid, None) is not None:
                self.watcher.ended(self, pid)
            return
        if pid not in self.calls:
            self._early.add(pid)
            return
        stop, event, self._stopped = os.WSTOPSIG(status), status >> 16, pid
        with contextlib.suppress(ProcessLookupError):  # killed while it was stopped
            if stop == _SYSCALL_STOP:
                self._call(pid)
            elif event in _FORKS:
                self._forked(pid)
            is_signal = not event and stop != _SYSCALL_STOP
            self._resume(pid, stop if is_signal else 0)

    def _call(self, pid: int) -> None:
        call = _Call()
        ptrace(_GET_SYSCALL_INFO, pid, ctypes.sizeof(call), ctypes.addressof(call))
        if call.operation == _ENTRY:
            name = NAMES.get(call.number, str(call.number))
            error = self.watcher.entered(self, pid, name, tuple(call.arguments))
            if error:
                skip_call(pid)
                self._failing[pid] = error
        elif pid in self._failing:
            set_result(pid, -self._failing.pop(pid))

    def _forked(self, parent: int) -> None:
        message = ctypes.c_ulong()
        ptrace(_GETEVENTMSG, parent, 0, ctypes.addressof(message))
        child = message.value
        self.calls[child] = self.watcher.born(self, child, parent)
        if child in self._early:
            self._early.discard(child)
            self._resume(child, 0)

    def _resume(self, pid: int, passed_on: int) -> None:
        if pid in self._held or pid not in self.calls:  # or it has ended
            return
        if pid in self._releasing:
            self._releasing.discard(pid)
            self.calls.pop(pid)
            ptrace(_DETACH, pid, 0, passed_on)
            return
        ptrace(_SYSCALL if self.calls[pid] else _CONT, pid, 0, passed_on)
