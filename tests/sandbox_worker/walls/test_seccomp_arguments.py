"""
What the filters decide where arguments matter: a table of sentences, on both architectures.
"""

from __future__ import annotations

import socket

import pytest
from deciding import MACHINES, Make, decide, has
from toolcell_worker.walls.conditions import Action
from toolcell_worker.wire import Profile

ALLOW, REFUSE = Action.ALLOW, Action.REFUSE
UNKNOWN_CALL, UNKNOWN_REQUEST = Action.UNKNOWN_CALL, Action.UNKNOWN_REQUEST
UNKNOWN_OPTION, UNSUPPORTED = Action.UNKNOWN_OPTION, Action.UNSUPPORTED
COMPUTE, NET, SUBPROCESS = Profile.COMPUTE, Profile.NET, Profile.SUBPROCESS
UPPER = 1 << 32  # the lowest bit that an int argument does not have

RULES = [
    # sentence, profile, network, call, arguments, action
    ("a thread", COMPUTE, False, "clone", (0x3D0F00,), ALLOW),
    ("a fork by clone", COMPUTE, False, "clone", (0x1200011,), REFUSE),
    ("a fork in net", NET, True, "clone", (0x1200011,), REFUSE),
    ("a fork in subprocess", SUBPROCESS, False, "clone", (0x1200011,), ALLOW),
    ("a spawn in subprocess", SUBPROCESS, False, "clone", (0x4111,), ALLOW),
    ("a thread in a new user namespace", COMPUTE, False, "clone", (0x3D0F00 | 0x10000000,), REFUSE),
    ("a child with new mounts", SUBPROCESS, False, "clone", (0x11 | 0x20000,), REFUSE),
    ("a child in a new network", SUBPROCESS, True, "clone", (0x11 | 0x40000000,), REFUSE),
    ("a sibling instead of a child", SUBPROCESS, False, "clone", (0x11 | 0x8000,), REFUSE),
    ("clone3, whose flags are unseen", SUBPROCESS, True, "clone3", (), UNKNOWN_CALL),
    ("openat2, whose mode is unseen", COMPUTE, False, "openat2", (), UNKNOWN_CALL),
    ("a place in memory, as without NUMA", COMPUTE, False, "mbind", (), UNKNOWN_CALL),
    ("a key, as without protection keys", SUBPROCESS, True, "pkey_alloc", (), UNKNOWN_CALL),
    ("fork in compute", COMPUTE, True, "fork", (), REFUSE),
    ("vfork in net", NET, True, "vfork", (), REFUSE),
    ("fork in subprocess", SUBPROCESS, False, "fork", (), ALLOW),
    ("exec in compute", COMPUTE, True, "execve", (), REFUSE),
    ("exec in net", NET, True, "execveat", (), REFUSE),
    ("exec in subprocess", SUBPROCESS, False, "execve", (), ALLOW),
    ("setsid in compute", COMPUTE, True, "setsid", (), REFUSE),
    ("setsid in subprocess", SUBPROCESS, False, "setsid", (), ALLOW),
    ("a socket in compute", COMPUTE, True, "socket", (2, 1, 0), REFUSE),
    ("a socket without a granted network", NET, False, "socket", (2, 1, 0), REFUSE),
    ("TCP over IPv4", NET, True, "socket", (2, 1, 0), ALLOW),
    ("TCP over IPv6, named", NET, True, "socket", (10, 1 | 0x80800, 6), ALLOW),
    ("a program's socket without a network", SUBPROCESS, False, "socket", (2, 1, 0), REFUSE),
    ("a program's socket with one", SUBPROCESS, True, "socket", (2, 1, 0), ALLOW),
    ("UDP over IPv4, for a resolver", NET, True, "socket", (2, 2 | 0x80800, 17), ALLOW),
    ("UDP over IPv6", NET, True, "socket", (10, 2, 0), REFUSE),
    ("MPTCP", NET, True, "socket", (2, 1, 262), REFUSE),
    ("ICMP", NET, True, "socket", (2, 2, 1), REFUSE),
    ("raw", NET, True, "socket", (2, 3, 255), REFUSE),
    ("unix", NET, True, "socket", (1, 1, 0), REFUSE),
    ("netlink", NET, True, "socket", (16, 3, 0), REFUSE),
    ("packet", NET, True, "socket", (17, 3, 0), REFUSE),
    ("alg", NET, True, "socket", (38, 5, 0), REFUSE),
    ("vsock", NET, True, "socket", (40, 1, 0), REFUSE),
    ("a family hidden by the upper half", NET, True, "socket", (UPPER | 40, 1, 0), REFUSE),
    ("a family with a dirty upper half", NET, True, "socket", (UPPER | 2, 1, 0), ALLOW),
    ("a pair of streams", COMPUTE, False, "socketpair", (1, 1 | 0x80000, 0), ALLOW),
    ("a pair of datagram sockets", COMPUTE, False, "socketpair", (1, 2, 0), REFUSE),
    ("a pair of another family", SUBPROCESS, True, "socketpair", (30, 1, 0), REFUSE),
    ("connect in compute", COMPUTE, True, "connect", (), REFUSE),
    ("connect in net", NET, True, "connect", (), ALLOW),
    ("a message", COMPUTE, False, "sendmsg", (3, 0, 0x4000), ALLOW),
    ("an out-of-band message", COMPUTE, False, "sendmsg", (3, 0, 0x1), REFUSE),
    ("out-of-band received", COMPUTE, False, "recvfrom", (3, 0, 1, 0x1), REFUSE),
    ("TCP fast open", NET, True, "sendto", (3, 0, 1, 0x20000000), REFUSE),
    ("SO_REUSEADDR", NET, True, "setsockopt", (3, 1, 2), ALLOW),
    ("SO_SNDBUF", COMPUTE, False, "setsockopt", (3, 1, 7), Action.IGNORE),
    ("SO_RCVBUF", NET, True, "setsockopt", (3, 1, 8), Action.IGNORE),
    ("TCP_NODELAY", NET, True, "setsockopt", (3, 6, 1), ALLOW),
    ("SO_ATTACH_FILTER", NET, True, "setsockopt", (3, 1, 26), UNKNOWN_OPTION),
    ("TCP_ULP", NET, True, "setsockopt", (3, 6, 31), UNKNOWN_OPTION),
    ("a netfilter table", NET, True, "setsockopt", (3, 0, 64), UNKNOWN_OPTION),
    ("TIOCSTI", COMPUTE, False, "ioctl", (0, 0x5412), REFUSE),
    ("TIOCSTI with a dirty upper half", COMPUTE, False, "ioctl", (0, UPPER | 0x5412), REFUSE),
    ("TIOCLINUX", COMPUTE, False, "ioctl", (0, 0x541C), REFUSE),
    ("TIOCSETD", SUBPROCESS, True, "ioctl", (0, 0x5423), REFUSE),
    ("TCGETS", COMPUTE, False, "ioctl", (0, 0x5401), ALLOW),
    ("FICLONE", COMPUTE, False, "ioctl", (0, 0x40049409), UNKNOWN_REQUEST),
    ("F_SETFL", COMPUTE, False, "fcntl", (0, 4), ALLOW),
    ("F_DUPFD_CLOEXEC", COMPUTE, False, "fcntl", (0, 1030), ALLOW),
    ("F_SETOWN", COMPUTE, False, "fcntl", (0, 8), REFUSE),
    ("F_SETLEASE", COMPUTE, False, "fcntl", (0, 1024), REFUSE),
    ("F_NOTIFY", COMPUTE, False, "fcntl", (0, 1026), REFUSE),
    ("F_SETPIPE_SZ", COMPUTE, False, "fcntl", (0, 1031), REFUSE),
    ("PR_SET_NAME", COMPUTE, False, "prctl", (15,), ALLOW),
    ("PR_SET_PDEATHSIG", COMPUTE, False, "prctl", (1,), REFUSE),
    ("PR_SET_DUMPABLE", COMPUTE, False, "prctl", (4, 1), REFUSE),
    ("PR_SET_SECCOMP", COMPUTE, False, "prctl", (22,), REFUSE),
    ("PR_SET_SECUREBITS", COMPUTE, False, "prctl", (28,), REFUSE),
    ("PR_SET_MM", COMPUTE, False, "prctl", (35,), REFUSE),
    ("PR_CAP_AMBIENT", COMPUTE, False, "prctl", (47,), REFUSE),
    ("PR_SET_PTRACER", COMPUTE, False, "prctl", (0x59616D61,), REFUSE),
    ("PR_SET_PTRACER, dirty", COMPUTE, False, "prctl", (UPPER | 0x59616D61,), REFUSE),
    ("asking for a limit", COMPUTE, False, "prlimit64", (0, 7, 0, 1), ALLOW),
    ("setting a limit", COMPUTE, False, "prlimit64", (0, 6, 4096, 0), REFUSE),
    ("setting one from a high address", COMPUTE, False, "prlimit64", (0, 6, UPPER, 0), REFUSE),
    ("setting the last limit", COMPUTE, False, "prlimit64", (0, 7, 4096, 0), ALLOW),
    ("setting another's last limit", COMPUTE, False, "prlimit64", (1, 7, 4096, 0), REFUSE),
    ("asking for another's limit", COMPUTE, False, "prlimit64", (1, 7, 0, 1), REFUSE),
    ("asking for the personality", COMPUTE, False, "personality", (0xFFFFFFFF,), ALLOW),
    ("a personality without ASLR", SUBPROCESS, True, "personality", (0x40000,), REFUSE),
    ("idle scheduling", COMPUTE, False, "sched_setscheduler", (0, 5), ALLOW),
    ("real-time scheduling", COMPUTE, False, "sched_setscheduler", (0, 1), REFUSE),
    ("real-time, reset on fork", COMPUTE, False, "sched_setscheduler", (0, 0x40000001), REFUSE),
    ("idle scheduling of the init", SUBPROCESS, False, "sched_setscheduler", (1, 5), REFUSE),
    ("a processor for itself", COMPUTE, False, "sched_setaffinity", (0, 8), ALLOW),
    ("a processor for a thread", COMPUTE, False, "sched_setaffinity", (7, 8), ALLOW),
    ("a processor for the init", SUBPROCESS, False, "sched_setaffinity", (1, 8), REFUSE),
    ("the same, dirty", SUBPROCESS, False, "sched_setaffinity", (UPPER | 1, 8), REFUSE),
    ("a lower priority", COMPUTE, False, "setpriority", (0, 0, 19), ALLOW),
    ("a lower priority of its group", SUBPROCESS, False, "setpriority", (1, 0, 19), ALLOW),
    ("a lower priority of the init", SUBPROCESS, False, "setpriority", (0, 1, 19), REFUSE),
    ("a lower priority of its group's", SUBPROCESS, False, "setpriority", (1, 1, 19), REFUSE),
    ("a lower priority of its user", SUBPROCESS, False, "setpriority", (2, 0, 19), REFUSE),
    ("an ordinary mapping", COMPUTE, False, "mmap", (0, 4096, 7, 0x22), ALLOW),
    ("a mapping of a file, shared", COMPUTE, False, "mmap", (0, 4096, 3, 0x1), ALLOW),
    ("shared memory without a file", COMPUTE, False, "mmap", (0, 4096, 3, 0x21), REFUSE),
    ("the same, validated", SUBPROCESS, False, "mmap", (0, 4096, 3, 0x23), REFUSE),
    ("huge pages", COMPUTE, False, "mmap", (0, 4096, 3, 0x40022), REFUSE),
    ("freed memory", COMPUTE, False, "madvise", (0, 4096, 4), ALLOW),
    ("merged memory", COMPUTE, False, "madvise", (0, 4096, 12), REFUSE),
    ("opening to read, mode unset", COMPUTE, False, "openat", (0, 0, 0, 0o7777), ALLOW),
    ("creating a file", COMPUTE, False, "openat", (0, 0, 0o101, 0o666), ALLOW),
    ("creating a set-id file", COMPUTE, False, "openat", (0, 0, 0o101, 0o4755), REFUSE),
    ("an unnamed set-id file", COMPUTE, False, "openat", (0, 0, 0o20200002, 0o2755), REFUSE),
    ("an old set-id file", COMPUTE, False, "open", (0, 0o101, 0o4755), REFUSE),
    ("chmod", COMPUTE, False, "fchmodat", (0, 0, 0o755), ALLOW),
    ("chmod u+s", COMPUTE, False, "fchmodat", (0, 0, 0o4755), REFUSE),
    ("chmod g+s", COMPUTE, False, "fchmod", (0, 0o2755), REFUSE),
    ("chmod +t", COMPUTE, False, "fchmod", (0, 0o1777), ALLOW),
    ("thread-local storage", COMPUTE, False, "arch_prctl", (0x1002,), ALLOW),
    ("CPUID faulting", COMPUTE, False, "arch_prctl", (0x1012,), REFUSE),
    ("setting an attribute", COMPUTE, False, "setxattr", (), UNSUPPORTED),
    ("removing an attribute", SUBPROCESS, True, "fremovexattr", (), UNSUPPORTED),
    ("reading an attribute", COMPUTE, False, "getxattr", (), ALLOW),
    ("a signal", COMPUTE, False, "kill", (1, 9), ALLOW),
]

CASES = [
    pytest.param((machine, profile, network), *rest, id=f"{machine}_{sentence.replace(' ', '_')}")
    for machine in MACHINES
    for sentence, profile, network, *rest in RULES
    if has(machine, str(rest[0]))
]


@pytest.mark.parametrize(("make", "name", "arguments", "action"), CASES)
def test_arguments_decide(
    make: Make, name: str, arguments: tuple[int, ...], action: Action
) -> None:
    """
    One bit more or less in a rule is a hole, or a tool that breaks once in a thousand runs.
    """
    assert action == decide(make, name, arguments).action


def test_the_constants_are_those_of_this_system() -> None:
    """
    The table above is written in numbers; they must mean what their sentences say.
    """
    names = (socket.AF_INET, socket.AF_INET6, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    assert (2, 10, 0x80800) == tuple(int(name) for name in names)
