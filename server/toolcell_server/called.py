"""
What a refused system call was, in the words of a denial.  Pure.

Theory of operation.  A notice has the number of the call and its registers, with which the call was
made.  Numbers, flags and names of constants are told from them.  Where one points to a text, it is
left out (`observing.py` says why).
"""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell_worker.wire.system_calls import AARCH64, X86_64

from toolcell_server.called_constants import (
    CLONE_FLAGS,
    FILE_CONTROLS,
    PROCESS_CONTROLS,
    REQUESTS,
    SOCKET_TYPES,
    TRACES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# AUDIT_ARCH_* (linux/audit.h)
_X86_64: Final = 0xC000_003E
_FOREIGN: Final = {0x4000_0003: "i386", 0x4000_0028: "arm"}
_X32: Final = 0x4000_0000  # __X32_SYSCALL_BIT (asm/unistd.h)
NAMES: Final = {
    _X86_64: {number: name for name, number in X86_64.items()},
    0xC000_00B7: {number: name for name, number in AARCH64.items()},
}
_WORDS: Final = {
    "exec": "execve execveat",
    "fork": "fork vfork clone clone3",
    "kill": "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal",
    "open": "open openat openat2 creat",
    "chmod": "chmod fchmod fchmodat fchmodat2",
    "chown": "chown fchown lchown fchownat",
    "utime": "utime utimes futimesat utimensat",
    "mknod": "mknod mknodat",
    "rename": "rename renameat renameat2",
    "umount": "umount2",
    "accept": "accept accept4",
    "send": "sendto sendmsg sendmmsg",
    "receive": "recvfrom recvmsg recvmmsg",
}
OPERATIONS: Final = {name: word for word, names in _WORDS.items() for name in names.split()}
_NETWORK: Final = frozenset({"socket", "connect", "bind", "listen", "accept", "accept4"})
_NEVER_BLOCKING: Final = socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
_INTERNET: Final = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True, slots=True)
class Called:
    """
    A call as a denial names it.
    """

    name: str
    operation: str
    target: str
    reason: str


def describe(
    machine: int, number: int, arguments: tuple[int, ...], *, network: bool = False
) -> Called:
    """
    The call of this number and with these registers.  `network`: the cell has one, so that it is
    not what was missing.
    """
    name = NAMES.get(machine, {}).get(number, f"system call {number}")
    target = _TARGETS[name](arguments) if name in _TARGETS else ""
    internet = name != "socket" or _int(arguments[0]) in _INTERNET
    missing = name in _NETWORK and internet and not network
    reason = "no_network" if missing else "not_allowed"
    return Called(name, OPERATIONS.get(name, name), target, reason)


def foreign(machine: int, number: int) -> str:
    """
    The call, if it is of another architecture than the machine's own; else nothing.
    """
    if machine not in NAMES:
        return f"system call {number} of {_FOREIGN.get(machine, f'machine {machine:#x}')}"
    if number >= _X32 and machine == _X86_64:
        return f"{NAMES[machine].get(number - _X32, f'system call {number - _X32}')} of x32"
    return ""


def looks_for_cache(machine: int, number: int, arguments: tuple[int, ...]) -> bool:
    """
    Whether it is how glibc looks for a name service cache (nscd(8)) whenever a name is looked up:
    a unix socket that never blocks.  It does without.
    """
    family, kind, protocol = map(_int, arguments[:3])
    found = NAMES.get(machine, {}).get(number), family, kind, protocol
    return found == ("socket", socket.AF_UNIX, _NEVER_BLOCKING, 0)


def _int(register: int) -> int:
    """
    As the kernel takes an `int`: the lower half, with its sign.
    """
    low = register & 0xFFFF_FFFF
    return low - 2**32 if low >= 2**31 else low


def _one_of(names: Mapping[int, str], word: str) -> Callable[[int], str]:
    return lambda register: names.get(_int(register) & 0xFFFF_FFFF, f"{word} {_int(register)}")


def _flags(register: int) -> str:
    known = [name for bit, name in CLONE_FLAGS.items() if register & bit]
    return " ".join(known)


def _socket(arguments: tuple[int, ...]) -> str:
    family, kind = _int(arguments[0]), _int(arguments[1]) & 0xF
    known = family in set(socket.AddressFamily)
    name = socket.AddressFamily(family).name if known else f"family {family}"
    return f"{name} {SOCKET_TYPES.get(kind, f'type {kind}')}"


def _signal(number: int, receiver: int) -> str:
    value = _int(number)
    known = value in set(signal.Signals)
    return f"{signal.Signals(value).name if known else f'signal {value}'} to {_int(receiver)}"


_control = _one_of(FILE_CONTROLS, "command")
_process_control = _one_of(PROCESS_CONTROLS, "option")
_trace = _one_of(TRACES, "request")
_TARGETS: Final[dict[str, Callable[[tuple[int, ...]], str]]] = {
    "clone": lambda a: _flags(a[0]),
    "fcntl": lambda a: _control(a[1]),
    "ioctl": lambda a: REQUESTS.get(a[1] & 0xFFFF_FFFF, f"request {a[1] & 0xFFFF_FFFF:#x}"),
    "kill": lambda a: _signal(a[1], a[0]),
    "personality": lambda a: f"{a[0] & 0xFFFF_FFFF:#x}",
    "pidfd_open": lambda a: f"process {_int(a[0])}",
    "prctl": lambda a: _process_control(a[0]),
    "prlimit64": lambda a: f"limit {_int(a[1])} of process {_int(a[0])}",
    "process_vm_readv": lambda a: f"process {_int(a[0])}",
    "process_vm_writev": lambda a: f"process {_int(a[0])}",
    "ptrace": lambda a: f"{_trace(a[0])} of process {_int(a[1])}",
    "rt_sigqueueinfo": lambda a: _signal(a[1], a[0]),
    "rt_tgsigqueueinfo": lambda a: _signal(a[2], a[0]),
    "sched_setscheduler": lambda a: f"policy {_int(a[1])} of process {_int(a[0])}",
    "setns": lambda a: _flags(a[1]),
    "socket": _socket,
    "socketpair": _socket,
    "tgkill": lambda a: _signal(a[2], a[0]),
    "tkill": lambda a: _signal(a[1], a[0]),
    "unshare": lambda a: _flags(a[0]),
}
