"""
Doors to what a process is: its namespaces, its capabilities, its descriptors, its walls.
"""

from __future__ import annotations

import ctypes

from toolcell_worker.syscalls.door import call

# linux/sched.h
CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_GET_SECUREBITS = 27
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_IS_SET = 1
PR_CAP_AMBIENT_CLEAR_ALL = 4
# linux/capability.h: two words for each of the three sets
_CAPABILITY_VERSION = 0x2008_0522
_HEADER_WORDS, _SET_WORDS = 2, 6


def unshare(flags: int) -> None:
    """
    See unshare(2).
    """
    call("unshare", flags, path=f"CLONE flags {flags:#x}")


def setns(descriptor: int, kind: int) -> None:
    """
    See setns(2).
    """
    call("setns", descriptor, kind)


def close_range(first: int, last: int = 2**32 - 1) -> None:
    """
    See close_range(2): close every descriptor from `first` to `last`.
    """
    call("close_range", first, last, 0)


def prctl(option: int, argument: int = 0, third: int = 0) -> int:
    """
    See prctl(2).
    """
    return call("prctl", option, argument, third, 0, 0, path=f"option {option}")


def capabilities() -> tuple[int, int, int]:
    """
    See capget(2): the effective, permitted and inheritable sets, as bits.
    """
    header = (ctypes.c_uint32 * _HEADER_WORDS)(_CAPABILITY_VERSION, 0)
    words = (ctypes.c_uint32 * _SET_WORDS)()
    call("capget", header, words)
    effective, permitted, inheritable = (words[n] | words[n + 3] << 32 for n in range(3))
    return effective, permitted, inheritable


def capability_words() -> tuple[ctypes.Array[ctypes.c_uint32], ctypes.Array[ctypes.c_uint32]]:
    """
    A header and empty sets, as capget(2) and capset(2) take them.
    """
    header = (ctypes.c_uint32 * _HEADER_WORDS)(_CAPABILITY_VERSION, 0)
    return header, (ctypes.c_uint32 * _SET_WORDS)()


def set_capabilities(kept: int) -> None:
    """
    See capset(2): keep these as effective and permitted, and give up every other, and every
    inheritable one.
    """
    header = (ctypes.c_uint32 * _HEADER_WORDS)(_CAPABILITY_VERSION, 0)
    low, high = kept & 0xFFFF_FFFF, kept >> 32
    call("capset", header, (ctypes.c_uint32 * _SET_WORDS)(low, low, 0, high, high, 0))


def landlock_create_ruleset(attributes: ctypes.Structure | None, size: int, flags: int) -> int:
    """
    See landlock_create_ruleset(2): a ruleset, or with flag 1 the ABI version.
    """
    return call("landlock_create_ruleset", attributes, size, flags)


def landlock_add_rule(ruleset: int, kind: int, rule: ctypes.Structure) -> None:
    """
    See landlock_add_rule(2).
    """
    call("landlock_add_rule", ruleset, kind, rule, 0)


def landlock_restrict_self(ruleset: int) -> None:
    """
    See landlock_restrict_self(2).
    """
    call("landlock_restrict_self", ruleset, 0)


def seccomp(operation: int, flags: int, program: ctypes.Structure | None) -> int:
    """
    See seccomp(2).
    """
    return call("seccomp", operation, flags, program)
