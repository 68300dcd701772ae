"""
The Landlock wall: paths, ports, signals and abstract sockets (landlock(7)).

Theory of operation.  A ruleset names the rights that it *handles*; whatever is handled and not
granted by a rule is denied, to this process and all its descendants, for ever.  We handle all that
the kernel's ABI knows, up to the one this file was written for, and rules only grant.  It is the
second lock on files: the mounts wall hides, this one refuses.  Rules add up along a path: what is
granted for a folder cannot be taken back for something in it.

Not covered by any ABI so far: stat, chmod, chown, utime, xattr.  Connecting to a unix socket by its
path is covered from ABI 9 on, and by seccomp before.  With ABI 1, files cannot be moved between
directories (EXDEV) even where REFER is granted, and truncate(2) needs no right until ABI 3.
"""

from __future__ import annotations

import ctypes
import enum
import functools
import os
import stat
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_worker.steps import Steps, Value

# linux/landlock.h
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
RULE_NET_PORT = 2
SCOPE_ABSTRACT_UNIX_SOCKET = 1
SCOPE_SIGNAL = 2
NET_BIND_TCP = 1
NET_CONNECT_TCP = 2
_STATX_BYTES, _STATX_OWNER = 256, 20  # struct statx (linux/stat.h): its size, where stx_uid is
_STATX_UID = 0x8
ABI_NETWORK, ABI_SCOPE = 4, 6  # since when there are rights over ports, and scopes


class Access(enum.IntFlag):
    """
    Rights over files (landlock(7)), in the order of their bits.
    """

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15
    RESOLVE_UNIX = 1 << 16


READ = Access.READ_FILE | Access.READ_DIR
# Programs and libraries run from the runtime only, never from what a call was granted.
RUNTIME = READ | Access.EXECUTE
DEVICE = Access.READ_FILE | Access.WRITE_FILE
WRITE = (
    READ
    | Access.WRITE_FILE
    | Access.TRUNCATE
    | Access.REMOVE_DIR
    | Access.REMOVE_FILE
    | Access.MAKE_DIR
    | Access.MAKE_REG
    | Access.REFER  # within the granted tree: a rename must not lead to more rights
)
SCRATCH = WRITE | Access.MAKE_SYM | Access.MAKE_SOCK
ON_FILES = DEVICE | Access.EXECUTE | Access.TRUNCATE | Access.IOCTL_DEV
# Which rights each ABI handles; a later one handles the earlier ones' too.
LAST_RIGHT = {
    1: Access.MAKE_SYM,
    2: Access.REFER,
    3: Access.TRUNCATE,
    5: Access.IOCTL_DEV,
    9: Access.RESOLVE_UNIX,
}


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # what `_pack_` implies; newer Pythons want it said
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """
    The version that the kernel offers.

    Raises:
        OSError: it offers none (ENOSYS, EOPNOTSUPP).
    """
    return syscalls.landlock_create_ruleset(None, 0, CREATE_RULESET_VERSION)


def handled(version: int) -> Access:
    """
    Every right over files that this ABI version can deny.
    """
    last = max(right for since, right in LAST_RIGHT.items() if since <= version)
    return Access(last * 2 - 1)


def restrict(rules: Iterable[tuple[str | int, Access]], ports: Iterable[int] | None = ()) -> int:
    """
    Deny ourselves every access that no rule grants: files by path or by descriptor, and TCP
    connections but to these ports; None: to any.  no_new_privs is set already.

    Returns:
        The ABI version that was used.

    Raises:
        OSError: Landlock is not there, or a path is not.
    """
    version = abi()
    rights = handled(version)
    attributes, size = _attributes(version, rights)
    if ports is None:
        attributes.network = 0
    ruleset = syscalls.landlock_create_ruleset(attributes, size, 0)
    try:
        for place, access in rules:
            _allow(ruleset, place, access & rights)
        for port in ports or () if version >= ABI_NETWORK else ():
            syscalls.landlock_add_rule(ruleset, RULE_NET_PORT, _Port(NET_CONNECT_TCP, port))
        syscalls.landlock_restrict_self(ruleset)
    finally:
        os.close(ruleset)
    return version


def add_steps(
    steps: Steps,
    rules: Iterable[tuple[str, Access]],
    scratch: Iterable[tuple[str, Access]],
    ports: Iterable[int],
    own: Value,
) -> None:
    """
    As `restrict`, as steps.  What `rules` name is the same file in every cell, and is opened now;
    what `scratch` names is another in each, and must be that cell's own, whose id is `own`.
    """
    version = abi()
    rights = handled(version)
    attributes, size = _attributes(version, rights)
    ruleset = steps.call("landlock_create_ruleset", attributes, size, 0)
    for path, access in rules:
        if rule := _rule(_place(path), access & rights):
            steps.call("landlock_add_rule", ruleset, RULE_PATH_BENEATH, rule, 0, what=path)
    for path, access in scratch:
        _add_scratch(steps, ruleset, path, access & rights, own)
    for port in ports if version >= ABI_NETWORK else ():
        to = _Port(NET_CONNECT_TCP, port)
        steps.call("landlock_add_rule", ruleset, RULE_NET_PORT, to, 0, what=f"port {port}")
    steps.call("landlock_restrict_self", ruleset, 0)
    steps.call("close", ruleset)


@functools.cache
def _place(path: str) -> int:
    """
    A descriptor of what lies there, for good: the steps of several grants are about it.
    """
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _add_scratch(steps: Steps, ruleset: Value, path: str, access: Access, own: Value) -> None:
    flags = os.O_PATH | os.O_CLOEXEC
    place = steps.call("openat", syscalls.AT_FDCWD, os.fsencode(path), flags, 0, what=path)
    found = ctypes.create_string_buffer(_STATX_BYTES)
    steps.call("statx", place, b"", syscalls.AT_EMPTY_PATH, _STATX_UID, found, what=path)
    owner = ctypes.c_uint32.from_buffer(found, _STATX_OWNER)
    steps.expect(owner, own, f"{path}: it is not this cell's own")
    rule = _PathBeneath(access, -1)
    steps.copy(place, ctypes.c_int32.from_buffer(rule, _PathBeneath.parent.offset))
    steps.call("landlock_add_rule", ruleset, RULE_PATH_BENEATH, rule, 0, what=path)
    steps.call("close", place)


def _attributes(version: int, rights: Access) -> tuple[_Ruleset, int]:
    """
    What to handle, and how many bytes of it this version knows.
    """
    if version >= ABI_SCOPE:
        scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL
        return _Ruleset(rights, NET_BIND_TCP | NET_CONNECT_TCP, scoped), ctypes.sizeof(_Ruleset)
    if version >= ABI_NETWORK:
        return _Ruleset(rights, NET_BIND_TCP | NET_CONNECT_TCP), _Ruleset.scoped.offset
    return _Ruleset(rights), _Ruleset.network.offset


def _allow(ruleset: int, place: str | int, access: Access) -> None:
    if isinstance(place, int):
        _allow_descriptor(ruleset, place, access)
        return
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        _allow_descriptor(ruleset, descriptor, access)
    finally:
        os.close(descriptor)


def _allow_descriptor(ruleset: int, descriptor: int, access: Access) -> None:
    if rule := _rule(descriptor, access):
        syscalls.landlock_add_rule(ruleset, RULE_PATH_BENEATH, rule)


def _rule(descriptor: int, access: Access) -> _PathBeneath | None:
    """
    A rule that the kernel takes; one without rights it refuses (ENOMSG).
    """
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        access &= ON_FILES  # rights over directories are refused for a file (EINVAL)
    return _PathBeneath(access, descriptor) if access else None
