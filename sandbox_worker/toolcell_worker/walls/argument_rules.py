"""
System calls that are allowed with some arguments only: which ones, and why.

Arguments are counted from 0.  Constants are those of the kernel's headers; where they differ
between architectures, the ones here do not.
"""

from __future__ import annotations

import socket

from toolcell_worker import syscalls
from toolcell_worker.walls.conditions import (
    Action,
    Case,
    Rule,
    among,
    not_among,
    null,
    with_all,
    without,
)

# linux/sched.h.  CLONE_NEWTIME shares its bit with the exit signal: clone(2) cannot ask for it.
_NEW_NAMESPACES = (
    syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWCGROUP
    | syscalls.CLONE_NEWUTS
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWNET
)
_CLONE_THREAD = 0x0001_0000
# A child of our parent would be reaped, and its usage counted, as the init's.
_CLONE_PARENT = 0x0000_8000

THREADS_ONLY = Rule((Case((with_all(0, _CLONE_THREAD), without(0, _NEW_NAMESPACES))),))
NO_NEW_NAMESPACES = Rule((Case((without(0, _NEW_NAMESPACES | _CLONE_PARENT),)),))

# Internet sockets with the plain transports: other protocols (MPTCP, SCTP, ICMP, UDP-Lite) and
# families (netlink, packet, vsock, alg) are kernel code that nobody here needs.  UDP over IPv4 is
# for resolvers.  The family AF_UNIX is missing: its sockets reach whatever has a path.
_TYPE_MASK = 0xF  # the rest of the type are flags
INTERNET_SOCKETS = Rule(
    (
        Case(
            (
                among(0, socket.AF_INET, socket.AF_INET6),
                among(1, socket.SOCK_STREAM, mask=_TYPE_MASK),
                among(2, 0, socket.IPPROTO_TCP),
            )
        ),
        Case(
            (
                among(0, socket.AF_INET),
                among(1, socket.SOCK_DGRAM, mask=_TYPE_MASK),
                among(2, 0, socket.IPPROTO_UDP),
            )
        ),
    )
)
# Connected for good.  A datagram socket of a pair could be sent to any path.
_CONNECTED_PAIRS = Rule(
    (
        Case(
            (
                among(0, socket.AF_UNIX),
                among(1, socket.SOCK_STREAM, socket.SOCK_SEQPACKET, mask=_TYPE_MASK),
            )
        ),
    )
)
# Out-of-band data on unix sockets has been a way out of browsers' sandboxes; fast open connects
# without connect(2), past what judges it.
_MSG_OOB, _MSG_FASTOPEN = 0x1, 0x2000_0000
_ODD_MESSAGES = _MSG_OOB | _MSG_FASTOPEN
# What ordinary clients and servers set; filters, upper-layer protocols and netfilter are not.
_SOL_SOCKET, _SO_OPTIONS = 1, (2, 6, 9, 10, 13, 15, 16, 20, 21, 66, 67)
# A size of buffers is a wish (socket(7)).  They are memory that no limit of ours counts, on some
# hosts 8 MiB for each socket: the wish is heard, and the kernel's own size stays.
_SO_BUFFERS = (7, 8)  # SO_SNDBUF, SO_RCVBUF
_IP, _IP_OPTIONS = 0, (1, 2, 8, 10, 11, 24)  # TOS, TTL, PKTINFO, MTU_DISCOVER, RECVERR, no port
_TCP, _TCP_OPTIONS = 6, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 18, 25)  # NODELAY, KEEPIDLE, …
_IPV6, _IPV6_OPTIONS = 41, (16, 23, 25, 26, 49, 67)  # hops, MTU, RECVERR, V6ONLY, PKTINFO, TCLASS
_SOCKET_OPTIONS = Rule(
    (
        Case((among(1, _SOL_SOCKET), among(2, *_SO_OPTIONS))),
        Case((among(1, _SOL_SOCKET), among(2, *_SO_BUFFERS)), Action.IGNORE),
        Case((among(1, _IP), among(2, *_IP_OPTIONS))),
        Case((among(1, _TCP), among(2, *_TCP_OPTIONS))),
        Case((among(1, _IPV6), among(2, *_IPV6_OPTIONS))),
    ),
    Action.UNKNOWN_OPTION,
)

_SO_PEERPIDFD = 77  # a handle of the server's process, from the cell's own channel (Linux 6.5)

# asm-generic/ioctls.h, linux/sockios.h, linux/fs.h.  Requests beyond these are as many programs of
# the kernel as there are drivers and file systems.
_TTY_ATTACKS = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
_TTY_QUERIES = (0x5401, 0x802C_542A, 0x540F, 0x5413)  # TCGETS, TCGETS2, TIOCGPGRP, TIOCGWINSZ
_DESCRIPTORS = (0x5411, 0x541B, 0x5421, 0x5450, 0x5451)  # OUTQ, FIONREAD, FIONBIO, FIO(N)CLEX
_INTERFACES = (0x8910, 0x8912, 0x8913, 0x8915, 0x891B, 0x8933)  # NAME CONF FLAGS ADDR NETMASK INDEX
_DEVICE_REQUESTS = Rule(
    (
        Case((among(1, *_TTY_ATTACKS),), Action.REFUSE),
        Case((among(1, *_TTY_QUERIES, *_DESCRIPTORS, *_INTERFACES),)),
    ),
    Action.UNKNOWN_REQUEST,
)
# linux/fcntl.h: duplicate, flags, locks, size of a pipe.  Leases and notifications act on files of
# other processes; F_SETPIPE_SZ takes kernel memory that no limit of ours counts.
_FILE_CONTROLS = Rule((Case((among(1, *range(8), 36, 37, 38, 1027, 1030, 1032, 1034),)),))

# linux/prctl.h: what only asks, and PR_SET_NAME (15), PR_SET_TIMERSLACK (29), PR_SET_NO_NEW_PRIVS
# (38), PR_SET_THP_DISABLE (41).  Not: dumpable, parent-death signal, ptracer, securebits, ambient
# capabilities, mm, seccomp, subreaper.
_ASKING = (2, 3, 7, 13, 16, 21, 23, 25, 27, 30, 37, 39, 40, 42, 51, 52)
_PROCESS_CONTROLS = Rule((Case((among(0, *_ASKING, 15, 29, 38, 41),)),))
# asm/prctl.h: segment bases, the state components of AMX, shadow stacks.
_SEGMENTS = (0x1001, 0x1002, 0x1003, 0x1004, 0x1011)
_COMPONENTS, _SHADOW_STACKS = (0x1021, 0x1022, 0x1023), (0x3001, 0x5001, 0x5002, 0x5003, 0x5005)
_ARCHITECTURE_CONTROLS = Rule((Case((among(0, *_SEGMENTS, *_COMPONENTS, *_SHADOW_STACKS),)),))

# A file with a set-user-id bit in a granted folder would be a way out for others on the host.
_SET_ID = 0o6000
_CREATING = 0o100 | 0o20_000_000  # O_CREAT, __O_TMPFILE: only then is there a mode
_SCHED_RESET_ON_FORK = 0x4000_0000
_ORDINARY_POLICIES = (0, 3, 5)  # SCHED_OTHER, SCHED_BATCH, SCHED_IDLE (linux/sched.h)
# The cell's init, which reaps, and whose death is the cell's.  Under a service of an ordinary user
# it has the tool's own id, and the tool could see to it that it does not run.
_INIT = 1
_PRIO_PROCESS, _PRIO_PGRP = 0, 1  # linux/resource.h; not PRIO_USER, which is all that we are
# asm-generic/mman-common.h: merging shows by its timing what others hold; poisoning is for tests.
_MADV_MERGEABLE, _MADV_HWPOISON, _MADV_SOFT_OFFLINE = 12, 100, 101
_NOFILE = 7  # RLIMIT_NOFILE (asm-generic/resource.h)
_RENAME_WHITEOUT = 0x4  # leaves a device node behind (linux/fs.h)
_MAP_HUGETLB = 0x4_0000  # pages that the operator set aside for others, and no limit counts
# Shared memory without a file lives as long as a single page of it is mapped anywhere, and counts
# only where it was touched: one process could hold all memory of the host, and no limit would see.
# On the cell's own disk (/dev/shm) it has a limit.  /dev/zero is the same by another name; Landlock
# lets it be read only, and then it is private (mmap(2), linux/mman.h).
_MAP_ANONYMOUS, _MAP_TYPE, _MAP_PRIVATE = 0x20, 0xF, 0x2

BY_NAME = {
    "arch_prctl": _ARCHITECTURE_CONTROLS,
    "chmod": Rule((Case((without(1, _SET_ID),)),)),
    "creat": Rule((Case((without(1, _SET_ID),)),)),
    "fchmod": Rule((Case((without(1, _SET_ID),)),)),
    "fchmodat": Rule((Case((without(2, _SET_ID),)),)),
    "fcntl": _FILE_CONTROLS,
    "getsockopt": Rule((Case((not_among(2, _SO_PEERPIDFD),)),), Action.UNKNOWN_OPTION),
    "ioctl": _DEVICE_REQUESTS,
    "madvise": Rule((Case((not_among(2, _MADV_MERGEABLE, _MADV_HWPOISON, _MADV_SOFT_OFFLINE),)),)),
    "mmap": Rule(
        (
            Case((without(3, _MAP_HUGETLB | _MAP_ANONYMOUS),)),
            Case((without(3, _MAP_HUGETLB), among(3, _MAP_PRIVATE, mask=_MAP_TYPE))),
        )
    ),
    "open": Rule((Case((without(1, _CREATING),)), Case((without(2, _SET_ID),)))),
    "openat": Rule((Case((without(2, _CREATING),)), Case((without(3, _SET_ID),)))),
    "personality": Rule((Case((among(0, 0xFFFF_FFFF),)),)),  # asks only
    "prctl": _PROCESS_CONTROLS,
    # Our own; asks only, but for the one limit that is set behind this wall (`enclosing.py`).  The
    # tool may lower it further, which harms nobody else, and never raise it.
    "prlimit64": Rule((Case((among(0, 0), *null(2))), Case((among(0, 0), among(1, _NOFILE))))),
    "renameat2": Rule((Case((without(4, _RENAME_WHITEOUT),)),)),
    "recvfrom": Rule((Case((without(3, _ODD_MESSAGES),)),)),
    "recvmmsg": Rule((Case((without(3, _ODD_MESSAGES),)),)),
    "recvmsg": Rule((Case((without(2, _ODD_MESSAGES),)),)),
    "sched_setaffinity": Rule((Case((not_among(0, _INIT),)),)),
    "sched_setscheduler": Rule(
        (
            Case(
                (
                    not_among(0, _INIT),
                    among(1, *_ORDINARY_POLICIES, mask=0xFFFF_FFFF ^ _SCHED_RESET_ON_FORK),
                )
            ),
        )
    ),
    "sendmmsg": Rule((Case((without(3, _ODD_MESSAGES),)),)),
    "sendmsg": Rule((Case((without(2, _ODD_MESSAGES),)),)),
    "sendto": Rule((Case((without(3, _ODD_MESSAGES),)),)),
    "setpriority": Rule((Case((among(0, _PRIO_PROCESS, _PRIO_PGRP), not_among(1, _INIT))),)),
    "setsockopt": _SOCKET_OPTIONS,
    "socketpair": _CONNECTED_PAIRS,
}
