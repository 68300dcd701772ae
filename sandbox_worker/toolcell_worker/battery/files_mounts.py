"""
Attacks on files by changing what is mounted where.  A control does it in namespaces of its own.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from toolcell_worker.battery.files import read
from toolcell_worker.battery.trying import call, every

NEW_MOUNTS, NEW_USER = 0x0002_0000, 0x1000_0000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
DETACH = 2
HERE = -100
CLONE_TREE, EMPTY_PATH, WHOLE = 1, 4, 0x8000
# Of the new mount calls, which have one number on all architectures.
OPEN_TREE, MOVE_MOUNT, OPEN, CONFIGURE, MOUNT = 428, 429, 430, 431, 432
SET_STRING, CREATE = 1, 6


def bind_over_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    A second mount of it need not be read-only.
    """
    path = os.fsencode(plan["path"])
    _enter_namespaces()
    return every(
        binding=lambda: call("mount", path, path, None, BIND, None),
        writing=lambda: Path(plan["path"]).write_text(plan["text"]),
    )


def remount_a_file_for_reading(plan: dict[str, Any]) -> Any:
    """
    The mount that is there becomes writable.
    """
    path = os.fsencode(plan["path"])
    _enter_namespaces()
    with contextlib.suppress(OSError):
        call("mount", path, path, None, BIND, None)
    return every(
        bound=lambda: call("mount", None, path, None, REMOUNT | BIND, None),
        root=lambda: call("mount", None, b"/", None, REMOUNT | BIND, None),
        writing=lambda: Path(plan["path"]).write_text(plan["text"]),
    )


def read_through_a_cloned_tree(plan: dict[str, Any]) -> Any:
    """
    A detached copy of the mounts has no path, only a descriptor.
    """
    _enter_namespaces()
    folder = os.fsencode(os.path.dirname(plan["path"]))
    tree = call("syscall", OPEN_TREE, HERE, folder, CLONE_TREE)
    return os.read(os.open(os.path.basename(plan["path"]), os.O_RDONLY, dir_fd=tree), 4096)


def read_through_a_moved_tree(plan: dict[str, Any]) -> Any:
    """
    The whole of the root, attached in the scratch folder.
    """
    _enter_namespaces()
    os.mkdir("here")
    tree = call("syscall", OPEN_TREE, HERE, b"/", CLONE_TREE | WHOLE)
    call("syscall", MOVE_MOUNT, tree, b"", HERE, b"here", EMPTY_PATH)
    return read(f"here{plan['path']}")


def read_through_an_overlay(plan: dict[str, Any]) -> Any:
    """
    A new file system that shows an old folder.
    """
    _enter_namespaces()
    for name in ("empty", "work"):
        os.mkdir(name)
    lower = os.fsencode(f"{os.path.dirname(plan['path'])}:{os.path.abspath('empty')}")
    system = call("syscall", OPEN, b"overlay", 0)
    call("syscall", CONFIGURE, system, SET_STRING, b"lowerdir", lower, 0)
    call("syscall", CONFIGURE, system, CREATE, None, None, 0)
    mount = call("syscall", MOUNT, system, 0, 0)
    return os.read(os.open(os.path.basename(plan["path"]), os.O_RDONLY, dir_fd=mount), 4096)


def climb_out_of_a_changed_root(plan: dict[str, Any]) -> Any:
    """
    Whoever changes his root while he stands outside of it can walk up to the real one.
    """
    _enter_namespaces()
    os.mkdir("jail")
    os.chroot("jail")
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return read(plan["path"])


def exchange_the_root(plan: dict[str, Any]) -> Any:
    """
    The old root lies in the new one afterwards, with all that is mounted there.
    """
    _enter_namespaces()
    os.makedirs("root")
    call("mount", b"none", b"root", b"tmpfs", 0, None)
    os.mkdir("root/old")
    call("syscall", _number(155, 41), b"root", b"root/old")
    return read(f"/old{plan['path']}")


def unmount_what_lies_over_the_host(plan: dict[str, Any]) -> Any:
    """
    What a mount covers is there again when it is gone.
    """
    _enter_namespaces()
    folder = os.path.dirname(plan["path"])
    with contextlib.suppress(OSError):
        call("mount", b"none", os.fsencode(folder), b"tmpfs", 0, None)
    above = [folder, "/tmp", "/dev/shm", "/proc", "/etc", "/"]  # of the cell
    # Outside, only what was mounted a line ago.
    paths = above[: 1 if os.geteuid() == 0 else None]
    tried = every(**{p: lambda p=p: call("umount2", os.fsencode(p), DETACH) for p in paths})
    return [tried, read(plan["path"])]


def _enter_namespaces() -> None:
    """
    Own a mount namespace, so that a control leaves the host's alone; root does nothing without.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        call("unshare", NEW_MOUNTS)
        call("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
        return
    with contextlib.suppress(OSError):
        call("unshare", NEW_USER | NEW_MOUNTS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        call("mount", None, b"/", None, RECURSIVE | PRIVATE, None)


def _number(x86: int, others: int) -> int:
    return x86 if os.uname().machine == "x86_64" else others
