"""
Doors to mounts, and to paths that are resolved under rules.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from toolcell_worker.syscalls.door import call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_worker.steps import Steps, Value

# linux/fcntl.h
AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
# linux/mount.h
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 4
FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
FSCONFIG_CMD_RECONFIGURE = 7
FSPICK_CLOEXEC = 1
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_IDMAP = 0x10_0000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
# linux/openat2.h
RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def openat2(directory: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """
    See openat2(2): open a path under the given rules of resolution; fails as `os.open` does.
    """
    how = _OpenHow(flags, mode, resolve)
    try:
        return call("openat2", directory, os.fsencode(path), how, ctypes.sizeof(how))
    except OSError as exc:
        code = exc.errno or 0
        raise OSError(code, os.strerror(code), path) from None


def open_tree(directory: int, path: str, flags: int) -> int:
    """
    See open_tree(2): a descriptor of a mount; with OPEN_TREE_CLONE, of a detached copy.
    """
    return call("open_tree", directory, os.fsencode(path), flags, path=path)


def move_mount(source: int, source_path: str, directory: int, path: str, flags: int) -> None:
    """
    See move_mount(2): attach a detached mount.
    """
    source_bytes, target = os.fsencode(source_path), os.fsencode(path)
    call("move_mount", source, source_bytes, directory, target, flags, path=path)


def mount_setattr(
    directory: int, path: str, flags: int, attributes: int, *, user_namespace: int = 0
) -> None:
    """
    See mount_setattr(2): add attributes; with MOUNT_ATTR_IDMAP, the descriptor of a user namespace.
    """
    _set_attributes(directory, path, flags, _MountAttributes(attributes, 0, 0, user_namespace))


def make_private(path: str) -> None:
    """
    Stop mounts at and below `path` from propagating (mount_namespaces(7)).
    """
    _set_attributes(AT_FDCWD, path, AT_RECURSIVE, _MountAttributes(0, 0, MS_PRIVATE, 0))


def _set_attributes(directory: int, path: str, flags: int, wanted: _MountAttributes) -> None:
    size = ctypes.sizeof(wanted)
    call("mount_setattr", directory, os.fsencode(path), flags, wanted, size, path=path)


def make_tmpfs(options: Mapping[str, str], attributes: int = 0) -> int:
    """
    A descriptor of a new, detached tmpfs (fsopen(2), fsconfig(2), fsmount(2); options of tmpfs(5)).
    """
    context = call("fsopen", b"tmpfs", FSOPEN_CLOEXEC, path="tmpfs")
    try:
        for key, value in options.items():
            pair, option = (key.encode(), value.encode()), f"tmpfs {key}={value}"
            call("fsconfig", context, FSCONFIG_SET_STRING, *pair, 0, path=option)
        call("fsconfig", context, FSCONFIG_CMD_CREATE, None, None, 0, path="tmpfs")
        return call("fsmount", context, FSMOUNT_CLOEXEC, attributes, path="tmpfs")
    finally:
        os.close(context)


def reconfigure(path: str, options: Mapping[str, str]) -> None:
    """
    Change options of the file system that is mounted at `path` (fspick(2), fsconfig(2)).
    """
    context = call("fspick", AT_FDCWD, os.fsencode(path), FSPICK_CLOEXEC, path=path)
    try:
        for key, value in options.items():
            pair, option = (key.encode(), value.encode()), f"{path} {key}={value}"
            call("fsconfig", context, FSCONFIG_SET_STRING, *pair, 0, path=option)
        call("fsconfig", context, FSCONFIG_CMD_RECONFIGURE, None, None, 0, path=path)
    finally:
        os.close(context)


def umount2(path: str, flags: int) -> None:
    """
    See umount2(2).
    """
    call("umount2", os.fsencode(path), flags, path=path)


def pivot_root(new_root: str, put_old: str) -> None:
    """
    See pivot_root(2).
    """
    call("pivot_root", os.fsencode(new_root), os.fsencode(put_old), path=new_root)


def add_tmpfs(steps: Steps, options: Mapping[str, str], attributes: int) -> Value:
    """
    As `make_tmpfs`, as steps; where the descriptor will be.
    """
    context = steps.call("fsopen", b"tmpfs", FSOPEN_CLOEXEC, what="tmpfs")
    for key, value in options.items():
        pair = (key.encode(), value.encode())
        steps.call("fsconfig", context, FSCONFIG_SET_STRING, *pair, 0, what=f"tmpfs {key}={value}")
    steps.call("fsconfig", context, FSCONFIG_CMD_CREATE, None, None, 0, what="tmpfs")
    tree = steps.call("fsmount", context, FSMOUNT_CLOEXEC, attributes, what="tmpfs")
    steps.call("close", context)
    return tree


def add_attach(steps: Steps, tree: Value, path: str) -> None:
    """
    Attach a detached tree, as steps, and close its descriptor.
    """
    target = os.fsencode(path)
    steps.call("move_mount", tree, b"", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH, what=path)
    steps.call("close", tree)
