"""
The listener of a filter: whoever holds it is asked about the calls that the filter does not decide.

Theory of operation.  The kernel gives out one listener for all filters of a process: none if an
outer sandbox has taken it, and none before Linux 5.0.  Where there is one, the cell hands it to the
server and closes its own; from then on the server sees what the filter refuses.  Where there is
none, the filter refuses by itself, and only the tool can tell what.

Whether there is one is found by having one: a process that asks, and one that is answered.
"""

from __future__ import annotations

import errno
import os
import platform
import select
from typing import TYPE_CHECKING

from toolcell_worker import syscalls
from toolcell_worker.syscalls.door import call
from toolcell_worker.walls import bpf, killable, seccomp
from toolcell_worker.walls.conditions import Action
from toolcell_worker.wire import notices

if TYPE_CHECKING:
    from typing import NoReturn

    from toolcell_worker.steps import Steps, Value

_TRIAL_MILLISECONDS = 5000  # arbitrary; it takes less than one
_ANSWER = errno.EXDEV  # ptrace never fails with it


def load(program: bytes) -> int:
    """
    Put this process under a filter, for ever.

    Returns:
        The listener, to be closed on exec.

    Raises:
        OSError: the kernel refuses the filter, or has no listener for it (EBUSY, EINVAL).
    """
    return seccomp.load(program, killable.NEW_LISTENER | killable.flag())


def add_step(steps: Steps, program: bytes, *, observed: bool) -> Value:
    """
    As `load`, or without `observed` as `seccomp.load`, as a step.

    Returns:
        Where the listener will be; without one there will be 0.
    """
    flags = killable.NEW_LISTENER | killable.flag() if observed else 0
    loaded = seccomp.prepared(program)
    return steps.call("seccomp", seccomp.SET_MODE_FILTER, flags, loaded, what="filter")


def available() -> bool:
    """
    Whether filters of our children can have a listener that works.
    """
    pid = os.fork()
    if pid == 0:
        _try()
    return os.waitpid(pid, 0)[1] == 0


def _try() -> NoReturn:
    code = 1
    try:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        listener = load(_asking_about("ptrace"))
        asker = os.fork()
        if asker == 0:
            _ask(listener)
        answered = _answer(listener)
        os.close(listener)  # who still waits hears ENOSYS
        heard = os.waitpid(asker, 0)[1] == 0
        code = 0 if answered and heard else 1
    finally:
        os._exit(code)


def _answer(listener: int) -> bool:
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    if not poller.poll(_TRIAL_MILLISECONDS):
        return False
    notice = notices.receive(listener)
    if notice is None:
        return False
    notices.refuse(listener, notice, _ANSWER)
    return True


def _ask(listener: int) -> NoReturn:
    code = 1
    try:
        os.close(listener)
        call("ptrace", 0, 0, 0, 0)
    except OSError as exc:
        code = 0 if exc.errno == _ANSWER else 1
    finally:
        os._exit(code)


def _asking_about(name: str) -> bytes:
    """
    A filter that asks about one call and allows every other.
    """
    number = seccomp.MACHINES[platform.machine()].numbers[name]
    assembler, asked = bpf.Assembler(), bpf.Label()
    assembler.load(bpf.NUMBER)
    assembler.jump_if_equal(number, asked)
    assembler.end(Action.ALLOW)
    assembler.place(asked)
    assembler.end(Action.ASK)
    return assembler.assemble()
