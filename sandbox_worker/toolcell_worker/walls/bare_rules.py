"""
What a bare cell may not do besides: one without namespaces, which has the host's names in sight.

Theory of operation.  Landlock decides there about files, and it says nothing about modes, times
and (before ABI 3) lengths.  The pids are the host's, so a signal, a priority or a set of processors
may be given to the cell's own process only: its pid stands in the filter.  And it starts no other
process, so that the end of this one is the end of all.

The network is the host's, too.  A cell that was granted domains connects to its proxy, where
Landlock lets it, by TCP over IPv4, and that is all: Landlock judges connect(2) and bind(2) of plain
TCP sockets.  Datagrams and other protocols (MPTCP, SCTP, SMC) it does not judge, nor a socket that
listens without a name; fast open, which connects without connect(2), no cell has
(`argument_rules`).

Beyond the low half of a register there is nothing of a pid (`conditions`).
"""

from __future__ import annotations

import socket

from toolcell_worker.walls import argument_rules
from toolcell_worker.walls.conditions import OWN_PID, Case, Rule, among, without

# The names that the allowlist has and a bare cell has not.
_FILES = "chmod fchmod fchmodat utime utimes futimesat utimensat truncate"
_PROCESSES = "fork vfork execve execveat setsid setpgid pidfd_open pidfd_send_signal"
# Attributes are content, which no ruleset hides.
_ATTRIBUTES = "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"
_LISTENING = "bind listen accept accept4"
REFUSED = frozenset(f"{_FILES} {_PROCESSES} {_ATTRIBUTES} {_LISTENING}".split())

_OURS = Rule((Case((among(0, OWN_PID),)),))  # not 0: that is our group
_OURS_OR_SELF = Rule((Case((among(0, 0, OWN_PID),)),))  # 0 is the caller
_PRIO_PROCESS = 0  # linux/resource.h
_TYPE_MASK = 0xF  # the rest of the type are flags
# The proxy's address is of IPv4: what else a port number could lead to is not offered.
_STREAMS = Rule(
    (
        Case(
            (
                among(0, socket.AF_INET),
                among(1, socket.SOCK_STREAM, mask=_TYPE_MASK),
                among(2, 0, socket.IPPROTO_TCP),
            )
        ),
    )
)
_ACCESS_MODE, _TO_WRITE = 0o3, (0o1, 0o2)  # asm-generic/fcntl.h
_O_TRUNC = 0o1000


def _emptying(rule: Rule, flags: int) -> Rule:
    """
    A file can be emptied by who opens it to read, or for nothing; Landlock knows that as ABI 3.
    To open it for nothing (mode 3) needs no right of Landlock's at all, and runs a driver's code.
    """
    opening = among(flags, 0, *_TO_WRITE, mask=_ACCESS_MODE)
    harmless = (without(flags, _O_TRUNC), among(flags, *_TO_WRITE, mask=_ACCESS_MODE))
    return Rule(
        tuple(Case((*case.conditions, opening, each)) for case in rule.cases for each in harmless),
        rule.otherwise,
    )


def _for_self(rule: Rule) -> Rule:
    self = among(0, 0, OWN_PID)
    return Rule(tuple(Case((*case.conditions, self)) for case in rule.cases), rule.otherwise)


BY_NAME = {
    "clone": argument_rules.THREADS_ONLY,
    "get_robust_list": _OURS_OR_SELF,
    "kill": _OURS,
    "open": _emptying(argument_rules.BY_NAME["open"], 1),
    "openat": _emptying(argument_rules.BY_NAME["openat"], 2),
    "rt_sigqueueinfo": _OURS,
    "rt_tgsigqueueinfo": _OURS,
    "sched_setaffinity": _OURS_OR_SELF,
    "sched_setscheduler": _for_self(argument_rules.BY_NAME["sched_setscheduler"]),
    "setpriority": Rule((Case((among(0, _PRIO_PROCESS), among(1, 0, OWN_PID))),)),
    "socket": _STREAMS,
    "tgkill": _OURS,
    "tkill": _OURS,  # by thread: only the first one has the pid
}
