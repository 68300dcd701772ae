"""
Namespaces that a cell enters: ipc, host name, the copy of the mounts, a network of its own.

Each is verified: the inode of the namespace (namespaces(7)) must differ from the zygote's, so that
a kernel or a seccomp filter that only pretends is found out in the very cell it would endanger.
"""

from __future__ import annotations

import os

from toolcell_worker import syscalls

FLAGS = {
    "mnt": syscalls.CLONE_NEWNS,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "net": syscalls.CLONE_NEWNET,
}


def numbers(proc: int) -> dict[str, int]:
    """
    The inode of each namespace that we are in; `proc` is a descriptor of a /proc that shows us.
    """
    kinds = (*FLAGS, "pid", "user")
    return {kind: os.stat(f"self/ns/{kind}", dir_fd=proc).st_ino for kind in kinds}


def enter(kind: str, proc: int, outside: dict[str, int]) -> None:
    """
    Enter a new namespace of this kind.

    Raises:
        OSError: it cannot be entered, or we are still in the one `outside` names.
    """
    syscalls.unshare(FLAGS[kind])
    verify(kind, proc, outside)


def verify(kind: str, proc: int, outside: dict[str, int]) -> None:
    """
    Raises:
        OSError: we are in the namespace of this kind that `outside` names.
    """
    if os.stat(f"self/ns/{kind}", dir_fd=proc).st_ino == outside[kind]:
        raise OSError(0, f"still in the {kind} namespace that it should have left")
