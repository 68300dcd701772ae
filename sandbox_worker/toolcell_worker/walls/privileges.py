"""
The privileges wall: no capabilities, and none to be gained.

Dropping them matters even behind Landlock: with CAP_PERFMON or CAP_SYS_PTRACE left, parts of
/proc of other processes stay readable through it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from toolcell_worker.steps import Steps

CAP_SETPCAP = 1 << 8  # linux/capability.h
MOST_CAPABILITIES = 64  # the kernel keeps them in 64 bits
# linux/securebits.h: NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE on, KEEP_CAPS off, each with
# the lock in the bit above it.
SECUREBITS = 0b1110_1111


def drop_bounding() -> None:
    """
    Empty the bounding set, while CAP_SETPCAP is still there to do so.  The zygote does it once for
    its cells; a nested user namespace begins with a full set again (user_namespaces(7)).

    Raises:
        OSError: CAP_SETPCAP is gone already.
    """
    for capability in range(MOST_CAPABILITIES):
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
        except OSError as exc:
            if exc.errno == errno.EINVAL:  # above the last one that this kernel knows
                break
            raise


def keep(capabilities: int, user: int) -> None:
    """
    Become `user`, an ordinary id, and keep these capabilities of what we have.  For a zygote
    without namespaces, which must still be able to give each cell an id of its own.

    Raises:
        OSError: we are neither root nor that user, or lack one of them.
    """
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 0)
    syscalls.set_capabilities(capabilities)
    # Changing ids ended it (prctl(2)): a zygote must not outlive its server.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def drop() -> None:
    """
    Give up every capability, and every way to gain one or to be looked into.  Whoever is without
    capabilities from the start, or has lost them with its ids, only makes sure.

    Raises:
        OSError: a capability is left, or can come back.
    """
    effective, _, _ = syscalls.capabilities()
    if effective & CAP_SETPCAP:
        syscalls.prctl(syscalls.PR_SET_SECUREBITS, SECUREBITS)
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
    syscalls.set_capabilities(0)
    # With this, no program that is run can bring a capability back: neither by its file, nor by
    # what an unprivileged service could not take out of the bounding set.
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    os.umask(0o077)
    if any(syscalls.capabilities()) or not syscalls.prctl(syscalls.PR_GET_NO_NEW_PRIVS):
        raise OSError(errno.EPERM, "a capability is left, or no_new_privs did not stay set")


def add_steps(steps: Steps, *, bounding: bool) -> None:
    """
    As `drop`, and with `bounding` as `drop_bounding`, as steps of whoever has lost the capabilities
    with its ids, or, with `bounding`, has all of them over an empty nested namespace.
    """
    if bounding:
        for capability in range(_known_capabilities()):
            steps.call("prctl", syscalls.PR_CAPBSET_DROP, capability, 0, 0, 0)
        steps.call("prctl", syscalls.PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0, what="securebits")
    steps.call("prctl", syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header, none = syscalls.capability_words()
    steps.call("capset", header, none)
    steps.call("prctl", syscalls.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, what="no_new_privs")
    steps.call("prctl", syscalls.PR_SET_DUMPABLE, 0, 0, 0, 0, what="dumpable")
    steps.call("umask", 0o077)
    header, left = syscalls.capability_words()
    steps.call("capget", header, left)
    kept = steps.call("prctl", syscalls.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
    for place in range(0, ctypes.sizeof(left), 8):
        half = ctypes.c_uint64.from_buffer(left, place)
        steps.expect(half, ctypes.c_uint64(0), "a capability is left")
    steps.expect(kept, ctypes.c_long(1), "no_new_privs did not stay set")


def _known_capabilities() -> int:
    for capability in range(MOST_CAPABILITIES):
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_READ, capability)
        except OSError:
            return capability
    return MOST_CAPABILITIES
