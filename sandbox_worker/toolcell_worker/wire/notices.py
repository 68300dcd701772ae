"""
What a listener of a seccomp filter tells, and how it is answered (seccomp_unotify(2)).

Theory of operation.  A process whose filter asks waits in its system call until whoever holds the
listener answers: with an error, or that the call goes on.  The registers come as they were when the
call was made and can be judged; what they point to the process's other threads may still change,
so "go on" is never a decision about a path.  `receive` waits while there is nothing: it is called
only when the listener can be read, by one reader.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import struct
from dataclasses import dataclass

# linux/seccomp.h: _IOWR('!', 0, struct seccomp_notif), _IOWR('!', 1, struct seccomp_notif_resp).
_RECEIVE, _SEND = 0xC050_2100, 0xC018_2101
_NOTICE = struct.Struct("=QIIiIQ6Q")  # struct seccomp_notif
_ANSWER = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


@dataclass(frozen=True, slots=True)
class Notice:
    """
    A system call that waits for an answer.  `pid` is the thread's, among the receiver's pids, or 0
    if it has none there; `machine` is an AUDIT_ARCH_*.
    """

    id: int
    pid: int
    number: int
    machine: int
    arguments: tuple[int, ...]


def receive(listener: int) -> Notice | None:
    """
    The next call; nothing if who made it has gone.
    """
    buffer = bytearray(_NOTICE.size)  # of zeros, as the kernel asks
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    identity, pid, _, number, machine, _, *arguments = _NOTICE.unpack(buffer)
    return Notice(identity, pid, number, machine, tuple(arguments))


def refuse(listener: int, notice: Notice, code: int = errno.EPERM) -> None:
    """
    Let the call fail.
    """
    _send(listener, _ANSWER.pack(notice.id, 0, -code, 0))


def go_on(listener: int, notice: Notice) -> None:
    """
    Let the kernel make the call, as it stands by now.
    """
    _send(listener, _ANSWER.pack(notice.id, 0, 0, _CONTINUE))


def _send(listener: int, answer: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):  # who asked was killed meanwhile
        fcntl.ioctl(listener, _SEND, answer)
