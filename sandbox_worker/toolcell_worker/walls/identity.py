"""
The identity wall: user namespaces, and ids that are nobody else's.

Theory of operation.  Started by root, a zygote maps a range of spare host ids (never root's: the
kernel does not count processes of root against RLIMIT_NPROC, and a file of root must not look like
the cell's own).  Each cell then gets its own id of that range.  Started by an ordinary user, only
that user's own id can be mapped; each cell ends in a nested user namespace, so that the process
limit of one cell does not count the processes of another (user_namespaces(7), getrlimit(2)).

Order matters: a mapped range needs a writer that has CAP_SETUID in the parent namespace
(user_namespaces(7)), which the process has lost once it has entered its own; hence the mapper.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from toolcell_worker.start import Identity
    from toolcell_worker.steps import Steps, Value

USER_INSIDE = 1000  # what an ordinary user's cells see themselves as


def cell_id(slot: int) -> int:
    """
    The id, inside the zygote's namespace, of the cell in `slot`.  0 is the zygote's own.
    """
    return slot + 1


def enter_namespace(identity: Identity | None, further: int = 0) -> None:
    """
    Enter a user namespace of our own, and the namespaces `further` (CLONE_NEW*) with it.
    Credentials stay as they are until `become_root`: paths that only the starting user can reach
    can still be opened in between.
    """
    if identity is None:
        user, group = os.geteuid(), os.getegid()
        syscalls.unshare(syscalls.CLONE_NEWUSER | further)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")
        return
    line = f"0 {identity.first} {identity.count}"
    with _Mapper(os.getpid(), line):
        syscalls.unshare(syscalls.CLONE_NEWUSER | further)


def become_root() -> None:
    """
    Become id 0 of our own user namespace: an ordinary id of the host.
    """
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    # Changing ids makes /proc/self foreign to us, and cells must still write their maps there.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)


def assume(slot: int, *, ranged: bool, proc: int) -> None:
    """
    Take the identity of the cell in `slot`; every capability is lost, or is one over nothing but
    an empty nested namespace.  `proc` is a descriptor of a /proc in which we are visible.
    """
    if ranged:
        os.setgroups([])
        own = cell_id(slot)
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
        return
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    _write("self/setgroups", "deny", proc)
    _write("self/uid_map", f"{USER_INSIDE} 0 1", proc)
    _write("self/gid_map", f"{USER_INSIDE} 0 1", proc)
    os.setresgid(USER_INSIDE, USER_INSIDE, USER_INSIDE)
    os.setresuid(USER_INSIDE, USER_INSIDE, USER_INSIDE)


def assume_host_id(slot: int, identity: Identity) -> None:
    """
    Take the host id of the cell in `slot`, without a namespace; capabilities stay until they are
    dropped.
    """
    own = identity.first + cell_id(slot)
    os.setgroups([])
    os.setresgid(own, own, own)
    os.setresuid(own, own, own)


def user_namespace(user_line: str, group_line: str) -> int:
    """
    A descriptor of a new user namespace with these maps, for an idmapped mount
    (mount_setattr(2)).  The caller has CAP_SETUID and CAP_SETGID.
    """
    ready_read, ready_write = os.pipe2(os.O_CLOEXEC)
    done_read, done_write = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _hold_namespace(ready_write, done_read, (ready_read, done_write))
    os.close(ready_write)
    os.close(done_read)
    try:
        if os.read(ready_read, 1) != b"u":
            raise OSError(0, "the namespace for an idmapped mount could not be made")
        _write(f"/proc/{child}/uid_map", user_line)
        _write(f"/proc/{child}/gid_map", group_line)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready_read)
        os.close(done_write)
        os.waitpid(child, 0)


def _hold_namespace(ready: int, done: int, parents: tuple[int, ...]) -> None:
    code = 1
    try:
        for descriptor in parents:
            os.close(descriptor)
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(ready, b"u")
        os.read(done, 1)
        code = 0
    finally:
        os._exit(code)


class _Mapper:
    """
    A child that stays in the old namespace, and maps the new one of `pid` once we are in it.
    """

    def __init__(self, pid: int, line: str) -> None:
        self.pid = pid
        self.line = line

    def __enter__(self) -> None:
        go_read, self.go = os.pipe2(os.O_CLOEXEC)
        self.child = os.fork()
        if self.child == 0:
            self._map(go_read)
        os.close(go_read)

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            os.write(self.go, b"g")
        os.close(self.go)
        _, status = os.waitpid(self.child, 0)
        if kind is None and status != 0:
            raise PermissionError(1, f"the ids {self.line!r} could not be mapped")

    def _map(self, go_read: int) -> None:
        code = 1
        try:
            os.close(self.go)
            if os.read(go_read, 1) == b"g":
                _write(f"/proc/{self.pid}/uid_map", self.line)
                _write(f"/proc/{self.pid}/gid_map", self.line)
                code = 0
        finally:
            os._exit(code)


def _write(path: str, text: str, directory: int | None = None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def add_steps(steps: Steps, own: Value, *, ranged: bool, proc: int) -> None:
    """
    As `assume`, as steps, of the id `own`.
    """
    if ranged:
        steps.call("setgroups", 0, None)
    else:
        steps.call("unshare", syscalls.CLONE_NEWUSER, what="user")
        for name in ("uid_map", "gid_map"):
            if name == "gid_map":
                _add_write(steps, proc, "self/setgroups", b"deny")
            _add_write(steps, proc, f"self/{name}", f"{USER_INSIDE} 0 1".encode())
    steps.call("setresgid", own, own, own)
    steps.call("setresuid", own, own, own)


def _add_write(steps: Steps, directory: int, path: str, text: bytes) -> None:
    flags = os.O_WRONLY | os.O_CLOEXEC
    descriptor = steps.call("openat", directory, path.encode(), flags, 0, what=path)
    steps.call("write", descriptor, text, len(text), what=path)
    steps.call("close", descriptor)
