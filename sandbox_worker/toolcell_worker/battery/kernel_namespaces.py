"""
Attacks on the kernel: namespaces, mounts, and what watches or accounts for files.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from typing import Any

from toolcell_worker.battery.knocking import LIBC, NUMBERS, Knocking

BAD = -1  # a descriptor that is none
HERE = -100  # AT_FDCWD
NOWHERE = b"/nowhere/at/all"
# linux/sched.h
NEW = {
    "user": 0x1000_0000,
    "mount": 0x0002_0000,
    "network": 0x4000_0000,
    "pid": 0x2000_0000,
    "ipc": 0x0800_0000,
    "host name": 0x0400_0000,
    "control group": 0x0200_0000,
    "time": 0x0000_0080,
}


def become_root_of_a_user_namespace(_plan: dict[str, Any]) -> Any:
    """
    In a user namespace of its own a process has every capability, and most of the kernel is open.
    """
    knocking = Knocking()
    knocking.call("unshare", NEW["user"])
    knocking.call("unshare", 1)  # no flag of unshare's
    return knocking.answers


def unshare_every_namespace(_plan: dict[str, Any]) -> Any:
    """
    The others, one by one and all together.
    """
    knocking = Knocking()
    for flag in (*NEW.values(), sum(NEW.values()), 1):
        knocking.call("unshare", flag)
    return knocking.answers


def join_a_namespace(_plan: dict[str, Any]) -> Any:
    """
    With setns one enters what a descriptor names: a namespace file, or a process.
    """
    knocking = Knocking()
    descriptors = [BAD, 0, 3]
    for kind in ("user", "mnt", "net", "pid"):
        try:
            descriptors.append(os.open(f"/proc/self/ns/{kind}", os.O_RDONLY))
        except OSError:
            continue
    for descriptor in descriptors:
        knocking.call("setns", descriptor, 0)
    return knocking.answers


def clone_into_new_namespaces(_plan: dict[str, Any]) -> Any:
    """
    clone(2) makes what unshare(2) makes, for a child.  A profile that may fork has clone.
    """
    knocking = Knocking()
    for kind, flag in NEW.items():
        if kind != "time":  # its bit is the exit signal's
            _clone(knocking, f"clone {kind}", flag | signal.SIGCHLD)
    return knocking.answers


def clone_by_the_newer_call(_plan: dict[str, Any]) -> Any:
    """
    The flags of clone3 lie in memory, where no filter sees them.
    """
    knocking = Knocking()
    knocking.call("clone3", None, 0)
    wanted = struct.pack("=8Q", NEW["user"], 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    _fork_by(knocking, "clone3 user", NUMBERS["clone3"], wanted, len(wanted))
    return knocking.answers


def mount_by_the_old_calls(_plan: dict[str, Any]) -> Any:
    """
    mount, umount2, pivot_root, chroot; in a namespace of one's own where there is one to be had.
    """
    knocking = Knocking()
    _leave(knocking)
    knocking.call("mount", b"none", NOWHERE, b"tmpfs", 0, None)
    knocking.call("umount2", NOWHERE, 0xFF00)
    knocking.call("pivot_root", NOWHERE, NOWHERE)
    knocking.call("chroot", NOWHERE)
    return knocking.answers


def mount_by_the_new_calls(_plan: dict[str, Any]) -> Any:
    """
    fsopen, fsmount, move_mount, fspick, mount_setattr.
    """
    knocking = Knocking()
    _leave(knocking)
    context = knocking.call("fsopen", b"tmpfs", 0)
    knocking.call("fsconfig", context, 6, None, None, 0)  # FSCONFIG_CMD_CREATE
    knocking.call("fsmount", context, 0, 0)
    knocking.call("fspick", HERE, NOWHERE, 0)
    knocking.call("move_mount", BAD, b"", HERE, NOWHERE, 0)
    knocking.call("mount_setattr", BAD, b"", 0, None, 0)
    return knocking.answers


def open_a_tree(_plan: dict[str, Any]) -> Any:
    """
    open_tree names a mount by a descriptor; without cloning it needs no privilege.
    """
    knocking = Knocking()
    knocking.call("open_tree", HERE, b"/", 0)
    knocking.call("open_tree", HERE, b"/", 1)  # OPEN_TREE_CLONE
    knocking.call("open_tree", BAD, b"", 0x7FFF_0000)
    return knocking.answers


def watch_the_whole_file_system(_plan: dict[str, Any]) -> Any:
    """
    A fanotify group reports what others do with their files, and inotify and dnotify a little less.
    """
    knocking = Knocking()
    group = knocking.call("fanotify_init", 0x200, 0)  # FAN_REPORT_FID: anybody may
    knocking.call("fanotify_mark", group, 1, 0x20, HERE, b"/")
    knocking.call("fanotify_init", 0x7FFF_FFFF, 0)
    knocking.call("inotify_init1", 1)
    return knocking.answers


def change_quotas(_plan: dict[str, Any]) -> Any:
    """
    Quotas of a file system, by its device or by any descriptor in it.
    """
    knocking = Knocking()
    knocking.call("quotactl", 0xFF, None, 0, None)
    knocking.call("quotactl_fd", BAD, 0, 0, None)
    return knocking.answers


def account_for_processes(_plan: dict[str, Any]) -> Any:
    """
    The call acct writes a line about every process that ends; syslog reads what the kernel says.
    """
    knocking = Knocking()
    knocking.call("acct", NOWHERE)
    knocking.call("syslog", 99, None, 0)
    return knocking.answers


def _leave(knocking: Knocking) -> None:
    """
    Enter namespaces of our own, in which nothing that is mounted concerns others.
    """
    knocking.call("unshare", NEW["user"] | NEW["mount"])


def _clone(knocking: Knocking, what: str, flags: int) -> None:
    _fork_by(knocking, what, NUMBERS["clone"], flags, 0, 0, 0, 0)


def _fork_by(knocking: Knocking, what: str, number: int, *arguments: int | bytes) -> None:
    converted = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    ctypes.set_errno(0)
    pid = int(LIBC.syscall(ctypes.c_long(number), *converted))
    if pid == 0:
        os._exit(0)
    knocking.note(what, pid, ctypes.get_errno())
    if pid > 0:
        os.waitpid(pid, 0)
