"""
Removes what tools have left, however it is nested.

Theory of operation.  Nobody else is there any more, but trees may be deeper than a path can name,
or a stack can hold.  So a folder is not descended into: the folders in it are moved up into the one
that is being emptied, under a new name, and then it is empty.  Each folder is moved at most once.
"""

from __future__ import annotations

import itertools
import os
import stat
from typing import Final

from toolcell_server.sessions import trees

_AT_ONCE: Final = 1000  # arbitrary; names that are held in memory


def remove(name: str, parent: int) -> None:
    """
    Remove a file, link or folder with everything in it.

    Raises:
        OSError: it cannot be removed.
    """
    if not _is_folder(os.fsencode(name), parent):
        os.unlink(name, dir_fd=parent)
        return
    folder = _entered(os.fsencode(name), parent)
    try:
        _empty(folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _empty(folder: int) -> None:
    numbers = itertools.count()
    while names := _names(folder):
        for name in names:
            if not _is_folder(name, folder):
                os.unlink(name, dir_fd=folder)
                continue
            below = _entered(name, folder)
            try:
                _move_up(below, folder, numbers)
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=folder)


def _move_up(below: int, folder: int, numbers: itertools.count[int]) -> None:
    while names := _names(below):
        for name in names:
            if not _is_folder(name, below):
                os.unlink(name, dir_fd=below)
                continue
            os.close(_entered(name, below))  # who cannot change it cannot move it either
            os.rename(name, _free(folder, numbers), src_dir_fd=below, dst_dir_fd=folder)


def _entered(name: bytes, parent: int) -> int:
    descriptor = trees.enter(name, parent)
    os.fchmod(descriptor, 0o700)
    return descriptor


def _is_folder(name: bytes, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _free(folder: int, numbers: itertools.count[int]) -> bytes:
    """
    A name that nothing has; tools may have made some that look like ours.
    """
    while True:
        name = b".removed-%d" % next(numbers)
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return name


def _names(folder: int) -> list[bytes]:
    """
    Some of the names in a folder, as bytes: tools may choose any.
    """
    again = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        with os.scandir(again) as entries:
            return [os.fsencode(entry.name) for entry in itertools.islice(entries, _AT_ONCE)]
    finally:
        os.close(again)
