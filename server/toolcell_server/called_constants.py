"""
Names of the constants that refused system calls are made with, from the kernel's headers.
"""

from __future__ import annotations

from typing import Final

# linux/sched.h
CLONE_FLAGS: Final = {
    0x0000_0080: "CLONE_NEWTIME",
    0x0000_8000: "CLONE_PARENT",
    0x0002_0000: "CLONE_NEWNS",
    0x0200_0000: "CLONE_NEWCGROUP",
    0x0400_0000: "CLONE_NEWUTS",
    0x0800_0000: "CLONE_NEWIPC",
    0x1000_0000: "CLONE_NEWUSER",
    0x2000_0000: "CLONE_NEWPID",
    0x4000_0000: "CLONE_NEWNET",
}
# linux/net.h
SOCKET_TYPES: Final = {
    1: "SOCK_STREAM",
    2: "SOCK_DGRAM",
    3: "SOCK_RAW",
    4: "SOCK_RDM",
    5: "SOCK_SEQPACKET",
    6: "SOCK_DCCP",
    10: "SOCK_PACKET",
}
# linux/prctl.h
PROCESS_CONTROLS: Final = {
    1: "PR_SET_PDEATHSIG",
    4: "PR_SET_DUMPABLE",
    8: "PR_SET_KEEPCAPS",
    22: "PR_SET_SECCOMP",
    24: "PR_CAPBSET_DROP",
    26: "PR_SET_TSC",
    28: "PR_SET_SECUREBITS",
    33: "PR_MCE_KILL",
    35: "PR_SET_MM",
    36: "PR_SET_CHILD_SUBREAPER",
    47: "PR_CAP_AMBIENT",
    53: "PR_SET_SPECULATION_CTRL",
    59: "PR_SET_SYSCALL_USER_DISPATCH",
    62: "PR_SCHED_CORE",
    0x5961_6D61: "PR_SET_PTRACER",
}
# linux/fcntl.h
FILE_CONTROLS: Final = {
    8: "F_SETOWN",
    9: "F_GETOWN",
    10: "F_SETSIG",
    11: "F_GETSIG",
    15: "F_SETOWN_EX",
    16: "F_GETOWN_EX",
    1024: "F_SETLEASE",
    1025: "F_GETLEASE",
    1026: "F_NOTIFY",
    1031: "F_SETPIPE_SZ",
    1033: "F_ADD_SEALS",
}
# asm-generic/ioctls.h
REQUESTS: Final = {0x5412: "TIOCSTI", 0x541C: "TIOCLINUX", 0x5423: "TIOCSETD"}
# linux/ptrace.h
TRACES: Final = {
    0: "PTRACE_TRACEME",
    1: "PTRACE_PEEKTEXT",
    2: "PTRACE_PEEKDATA",
    4: "PTRACE_POKETEXT",
    5: "PTRACE_POKEDATA",
    16: "PTRACE_ATTACH",
    0x4206: "PTRACE_SEIZE",
}
