"""
Ways through a workspace, whose contents are made by hostile tools.

Theory of operation.  Everything is reached part by part from a descriptor of the workspace: each
part is one name, never `.` or `..`, opened relative to the folder before it with O_NOFOLLOW.  That
is what openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS does within the kernel: no step leads
up or through a link, whatever is renamed or linked meanwhile; a folder that a tool moves, it moves
within its workspace, because it is the only thing it can name.  Nothing but regular files is ever
opened for reading, and nothing without O_NONBLOCK: a pipe would keep us waiting.

A tool can take away the right to enter its own folders (mode 0), which stops an ordinary user's
server; `enter` gives it back, by descriptor and never by name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell_server.sessions.quota import MAXIMUM_DEPTH, Used
from toolcell_server.sessions.session import MAXIMUM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK: Final = 512  # stat(2)
_ENTERED: Final = 0o500  # a folder that its owner can list, and look into
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Found(NamedTuple):
    """
    What has a name in a workspace.
    """

    path: str
    status: os.stat_result


def opened(folder: str) -> int:
    """
    A descriptor of a workspace.
    """
    return os.open(folder, _FOLDER)


def enter(name: str | bytes, parent: int) -> int:
    """
    A descriptor of the folder of that name in another, which its owner cannot lock us out of.

    Raises:
        OSError: there is none; a link is none.
    """
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
        if os.fstat(descriptor).st_mode & _ENTERED != _ENTERED:
            os.fchmod(descriptor, 0o700)
    except PermissionError:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        named = os.open(name, flags, dir_fd=parent)
    else:
        return descriptor
    try:
        os.chmod(f"/proc/self/fd/{named}", 0o700)  # noqa: PTH101  # of this very folder
        return os.open(".", _FOLDER, dir_fd=named)
    finally:
        os.close(named)


@contextlib.contextmanager
def parent_of(path: str, top: int, *, owner: int | None = None) -> Iterator[int]:
    """
    A descriptor of the folder that a path lies in.  With `owner` folders that are missing are made,
    and become that user's.

    Raises:
        OSError: a part on the way is missing, or no folder.
    """
    current = os.dup(top)
    try:
        for part in PurePosixPath(path).parts[:-1]:
            if owner is not None:
                _make(part, current, owner)
            following = enter(part, current)
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def _make(name: str, parent: int, owner: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    if owner >= 0:
        os.chown(name, owner, owner, dir_fd=parent, follow_symlinks=False)


def open_file(path: str, top: int) -> int:
    """
    A descriptor of a regular file, for reading.

    Raises:
        OSError: there is none; EINVAL: something else has its name.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with parent_of(path, top) as parent:
        name = PurePosixPath(path).name
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        descriptor = _readable(name, flags, parent)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)  # it was put in the place of one just now
    raise OSError(errno.EINVAL, "it is no file")


def _readable(name: str, flags: int, parent: int) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:
        named = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if not stat.S_ISREG(os.fstat(named).st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        os.chmod(f"/proc/self/fd/{named}", 0o600)  # noqa: PTH101  # of this very file
        return os.open(f"/proc/self/fd/{named}", flags & ~os.O_NOFOLLOW)
    finally:
        os.close(named)


def measured(folder: str, most_bytes: int, most_files: int) -> Used:
    """
    What a workspace holds; counted no further than what shows that it holds more than it may.
    Each name of a file counts, with its size or what it takes on the disk, whichever is more: a
    sparse file is as large as it says, because so it is when somebody reads it.
    """
    size = files = 0
    top = opened(folder)
    try:
        for _, status in _walk(top, "", 0):
            if status is None:
                return Used(size, files, deep=True)
            files += 1
            blocks = status.st_blocks * BLOCK
            size += max(status.st_size, blocks) if stat.S_ISREG(status.st_mode) else blocks
            if size > most_bytes or files > most_files:
                break
    finally:
        os.close(top)
    return Used(size, files)


def listed(folder: str, below: str, most: int) -> tuple[list[Found], bool]:
    """
    Everything below a folder of a workspace, sorted, and whether there is more than that.

    Raises:
        OSError: there is no such folder.
    """
    found: list[Found] = []
    incomplete = False
    top = opened(folder)
    try:
        with parent_of(f"{below}/x" if below else "x", top) as base:
            depth = len(PurePosixPath(below).parts)
            for path, status in _walk(base, f"{below}/" if below else "", depth):
                if status is None or len(found) == most:
                    return sorted(found), True
                if _is_legible(path):
                    found.append(Found(path, status))
                else:
                    incomplete = True
    finally:
        os.close(top)
    return sorted(found), incomplete


def _is_legible(path: str) -> bool:
    try:
        return len(path.encode()) <= MAXIMUM_PATH
    except UnicodeEncodeError:
        return False


def _walk(folder: int, above: str, depth: int) -> Iterator[tuple[str, os.stat_result | None]]:
    """
    Every name below a folder; without a status, where it is too deep to go on.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = f"{above}{entry.name}"
            yield path, status
            if not stat.S_ISDIR(status.st_mode):
                continue
            if depth + 1 >= MAXIMUM_DEPTH:
                yield path, None
                continue
            try:
                below = enter(entry.name, folder)
            except OSError:  # it has gone, or is no folder any more
                continue
            try:
                yield from _walk(below, f"{path}/", depth + 1)
            finally:
                os.close(below)
