"""
The keeper: the only process that opens host paths for cells, and that puts staged files in place.

Theory of operation.  Admission asks OPEN; the keeper resolves each path beneath the operator's
root without following any symbolic link (openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
RESOLVE_NO_MAGICLINKS), and answers with a *detached mount* of exactly that file or directory,
read-only unless writing was granted.  The descriptor is the grant: what the path is made to mean
afterwards cannot change what the cell gets, and the cell never sees the tree around it.

Started by root, the mount is also idmapped (mount_setattr(2)): the owner of the file appears as
the id of the cell, so that a cell which is nobody on the host can read what the operator granted.
Where a file system cannot do that, only what anybody may read is readable.  Started by an ordinary
user, the keeper needs a user namespace of its own to be allowed to open trees at all.

A bare cell (`start.Make`) has no mounts: it gets the opened file or directory itself, for its
Landlock rules.  Where the host refuses us mounts, that is all we can give.

The keeper runs no tool, and reads nothing that a cell wrote but the staged bytes it copies.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from toolcell_worker import commit, syscalls, wire
from toolcell_worker.walls import identity
from toolcell_worker.walls.failure import SetupFailed, building
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from toolcell_worker.start import Identity, Start

BENEATH = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_MAGICLINKS
# Data is not run: a granted folder may be writable, and may lie below what the runtime may execute.
READ_ATTRIBUTES = (
    syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV | syscalls.MOUNT_ATTR_NOEXEC
)
NAMESPACES_KEPT = 256  # arbitrary; one a pair of owner and slot, a descriptor each

REFUSALS = {
    errno.ELOOP: "it is a symbolic link, or lies behind one; name the target itself",
    errno.EXDEV: "it leads out of its root",
    errno.EACCES: "the service itself may not open it",
    errno.EPERM: "the service itself may not open it",
    errno.ENAMETOOLONG: "it is too long",
    errno.ENOTDIR: "a part of it is not a directory",
}


class NotGiven(Exception):  # noqa: N818  # names what happened
    """
    Raised when a path is not given to a cell; the reason is for the caller.
    """


def run(channel: socket.socket, start: Start) -> int:
    """
    Serve OPEN and COMMIT until the server closes the channel; the exit code.
    """
    keeper = Keeper(start.identity, _no_trees(start))
    wire.send_json(channel, Frame.ANSWER, {"ready": True})
    with contextlib.suppress(wire.PeerClosed, BrokenPipeError, ConnectionResetError):
        while True:
            keeper.serve(channel, wire.receive(channel))
    return 0


def _no_trees(start: Start) -> str:
    """
    Why we cannot open trees; nothing if we can.
    """
    try:
        if start.identity is None:
            with building("identity"):
                identity.enter_namespace(None, syscalls.CLONE_NEWNS)
    except SetupFailed as failure:
        return str(failure)
    return ""


@dataclass
class Keeper:
    """
    Answers one request after the other.
    """

    identity: Identity | None
    no_trees: str = ""
    namespaces: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def serve(self, channel: socket.socket, request: wire.Message) -> None:
        """
        Answer one request; descriptors are closed whatever happens.
        """
        opened: list[int] = []
        refused: list[int] = []
        try:
            asked = request.json()
            if request.kind == Frame.COMMIT:
                answer: Any = commit.commit(asked, request.descriptors[0])
            else:
                give = self._open_bare if asked.get("bare") else self._open_mount
                answer = []
                for path in asked["paths"]:
                    own: list[int] = []
                    answer.append(_answer(functools.partial(give, path, asked["slot"], own)))
                    # What is refused is not given, however far it came.
                    given = opened if answer[-1].get("given") else refused
                    given += own
            wire.send_json(channel, Frame.ANSWER, answer, tuple(opened))
        finally:
            for descriptor in (*opened, *refused, *request.descriptors):
                os.close(descriptor)

    def _open_bare(self, asked: dict[str, str], slot: int, opened: list[int]) -> dict[str, Any]:
        """
        The file or directory itself; file modes decide what a cell may do with it, too.
        """
        del slot
        if asked["access"] == "staged":
            raise NotGiven("to stage a file needs mounts, which this host does not have")
        with resolve(asked["root"], asked["path"], os.O_PATH) as descriptor:
            status = os.fstat(descriptor)
            _check_kind(status)
            opened.append(os.dup(descriptor))
        return {"status": "opened", "given": True, "directory": stat.S_ISDIR(status.st_mode)}

    def _open_mount(self, asked: dict[str, str], slot: int, opened: list[int]) -> dict[str, Any]:
        if asked["access"] == "staged":
            return _open_staged(asked, opened)
        if self.no_trees:
            raise NotGiven(f"the keeper can give no mounts here: {self.no_trees}")
        with resolve(asked["root"], asked["path"], os.O_PATH) as descriptor:
            status = os.fstat(descriptor)
            _check_kind(status)
            flags = syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC
            where = syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE
            tree = syscalls.open_tree(descriptor, "", flags | where)
        opened.append(tree)
        attributes = READ_ATTRIBUTES
        if asked["access"] == "read":
            attributes |= syscalls.MOUNT_ATTR_RDONLY
        syscalls.mount_setattr(tree, "", where, attributes)
        if self.identity is not None:
            self._map_owner(tree, status, slot)
        return {"status": "opened", "given": True, "directory": stat.S_ISDIR(status.st_mode)}

    def _map_owner(self, tree: int, status: os.stat_result, slot: int) -> None:
        """
        Let the owner of the file appear as the cell.  A file system that cannot is left as it is:
        its file modes then decide, as for anybody.
        """
        where = syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE
        mapped = syscalls.MOUNT_ATTR_IDMAP
        with contextlib.suppress(OSError):
            namespace = self._namespace(status.st_uid, status.st_gid, slot)
            syscalls.mount_setattr(tree, "", where, mapped, user_namespace=namespace)

    def _namespace(self, user: int, group: int, slot: int) -> int:
        assert self.identity is not None
        key = (user, group, slot)
        if key not in self.namespaces:
            if len(self.namespaces) >= NAMESPACES_KEPT:
                os.close(self.namespaces.pop(next(iter(self.namespaces))))
            own = self.identity.first + identity.cell_id(slot)
            self.namespaces[key] = identity.user_namespace(f"{user} {own} 1", f"{group} {own} 1")
        return self.namespaces[key]


def _answer(give: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """
    One path: {"status": "opened" | "missing" | "refused", …}; a descriptor if "given".
    """
    try:
        return give()
    except FileNotFoundError:
        return {"status": "missing"}
    except NotGiven as exc:
        return {"status": "refused", "reason": str(exc)}
    except OSError as exc:
        reason = REFUSALS.get(exc.errno or 0, exc.strerror or "it cannot be opened")
        return {"status": "refused", "reason": reason}


def _check_kind(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise NotGiven("it is neither a file nor a directory")


@contextlib.contextmanager
def resolve(root: str, path: str, flags: int) -> Any:
    """
    A descriptor of `path`, reached from `root` without leaving it and without symbolic links.

    Raises:
        OSError: there is no such path, or it is not reached that way.
    """
    relative = str(PurePosixPath(path).relative_to(root))
    base_flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    base = syscalls.openat2(syscalls.AT_FDCWD, root, base_flags, 0, syscalls.RESOLVE_NO_SYMLINKS)
    try:
        descriptor = syscalls.openat2(base, relative, flags | os.O_CLOEXEC, 0, BENEATH)
    finally:
        os.close(base)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_staged(asked: dict[str, str], opened: list[int]) -> dict[str, Any]:
    """
    The original of a staged file, for reading, and what it is now; its folder must be there.
    """
    path = PurePosixPath(asked["path"])
    try:
        with resolve(asked["root"], str(path.parent), os.O_PATH | os.O_DIRECTORY):
            pass
    except FileNotFoundError as exc:
        raise NotGiven("its folder does not exist") from exc
    try:
        with resolve(asked["root"], str(path), os.O_RDONLY | os.O_NONBLOCK) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotGiven("it is not a file")
            opened.append(os.dup(descriptor))
    except FileNotFoundError:
        return {"status": "opened", "given": False, "directory": False, "expected": None}
    expected = commit.fingerprint(status)
    return {"status": "opened", "given": True, "directory": False, "expected": expected}
