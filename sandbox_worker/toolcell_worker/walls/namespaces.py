"""
Namespaces that a cell enters: ipc, host name, the copy of the mounts, a network of its own.

Each is verified: the inode of the namespace (namespaces(7)) must differ from the zygote's, so that
a kernel or a seccomp filter that only pretends is found out in the very cell it would endanger.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from toolcell_worker.steps import Steps

FLAGS = {
    "mnt": syscalls.CLONE_NEWNS,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "net": syscalls.CLONE_NEWNET,
}

TOGETHER = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
_STATX_BYTES, _STATX_INODE = 256, 32  # struct statx (linux/stat.h): its size, where stx_ino is
_STATX_INO = 0x100


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


def add_check(steps: Steps, kind: str, proc: int, outside: dict[str, int]) -> None:
    """
    As `verify`, as steps.
    """
    found = ctypes.create_string_buffer(_STATX_BYTES)
    steps.call("statx", proc, f"self/ns/{kind}".encode(), 0, _STATX_INO, found, what=kind)
    inode = ctypes.c_uint64.from_buffer(found, _STATX_INODE)
    complaint = f"still in the {kind} namespace that it should have left"
    steps.expect(inode, ctypes.c_uint64(outside[kind]), complaint, differs=True)
