"""
Putting a staged file in place: whole or not at all, and only over what was admitted.

The copy is written beside its target and renamed over it (rename(2) is atomic), so a reader sees
the old file or the new one.  If the target is not what it was at admission, nothing is changed:
somebody else wrote in between.  Between that look and the rename there is a moment in which a
writer could still slip in; closing it would take a lock that other programs do not know of.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from toolcell_worker import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator

BENEATH = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_MAGICLINKS
NEW_FILE_MODE = 0o644


def fingerprint(status: os.stat_result) -> list[int]:
    """
    What must not change between admission and commit: device, inode, size, and when the contents
    changed (nanoseconds).
    """
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]


def commit(asked: dict[str, Any], staged: int) -> dict[str, str]:
    """
    Put the staged bytes at `asked["path"]`, beneath `asked["root"]`; `as_folder`: what is new gets
    the owner of its folder.

    Returns:
        {"status": "committed"} or {"status": "conflict" | "failed", "reason": …}.
    """
    with _undisturbed():
        return _commit(asked, staged)


def _commit(asked: dict[str, Any], staged: int) -> dict[str, str]:
    path = PurePosixPath(asked["path"])
    try:
        folder = _open_folder(asked["root"], path.parent)
        try:
            return _replace(folder, path.name, asked, staged)
        finally:
            with contextlib.suppress(OSError):  # it says nothing about the file
                os.close(folder)
    except FileExistsError:
        return {"status": "conflict", "reason": "it was created meanwhile"}
    except OSError as exc:
        return {"status": "failed", "reason": exc.strerror or str(exc)}


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """
    The server's death does not end us in between: half a copy would be left in the folder.
    """
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, 0)
    try:
        yield
    finally:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def _open_folder(root: str, folder: PurePosixPath) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    base = syscalls.openat2(syscalls.AT_FDCWD, root, flags, 0, syscalls.RESOLVE_NO_SYMLINKS)
    try:
        return syscalls.openat2(base, str(folder.relative_to(root)), flags, 0, BENEATH)
    finally:
        os.close(base)


def _replace(folder: int, name: str, asked: dict[str, Any], staged: int) -> dict[str, str]:
    original = _look(folder, name)
    if (original and fingerprint(original)) != asked["expected"]:
        return {"status": "conflict", "reason": "it was changed meanwhile"}
    if not stat.S_ISREG(os.fstat(staged).st_mode):
        return {"status": "failed", "reason": "what the tool left is not a file"}
    copy = f".toolcell-{secrets.token_hex(8)}"
    try:
        owner = original or (os.fstat(folder) if asked.get("as_folder") else None)
        _write_copy(folder, copy, staged, original, owner)
        if original is None:
            # Unlike rename, link refuses to replace what was created meanwhile.
            os.link(copy, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            _discard(folder, copy)
        else:
            os.rename(copy, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _discard(folder, copy)
        raise
    # It is in place: whatever fails from here on undoes nothing, and must not be told as if it did.
    with contextlib.suppress(OSError):
        os.fsync(folder)
    return {"status": "committed"}


def _look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _write_copy(
    folder: int,
    copy: str,
    staged: int,
    original: os.stat_result | None,
    owner: os.stat_result | None,
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(copy, flags, 0o600, dir_fd=folder)
    try:
        offset = 0
        while sent := os.sendfile(descriptor, staged, offset, 2**20):
            offset += sent
        if owner is not None and os.geteuid() == 0:
            _keep_owner(descriptor, owner)
        # Never set-user-id: these bytes are the tool's, the owner may be root.
        os.fchmod(descriptor, original.st_mode & 0o777 if original else NEW_FILE_MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_owner(descriptor: int, original: os.stat_result) -> None:
    """
    In a user namespace of one id only that id can be given; the file is ours already then.
    """
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (original.st_uid, original.st_gid):
        try:
            os.fchown(descriptor, original.st_uid, original.st_gid)
        except OSError:
            return


def _discard(folder: int, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
