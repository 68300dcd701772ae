"""
What a folder looks like: whatever differs between two looks has changed.

Theory of operation.  We look at the folder from time to time, and do not have the kernel tell us
(inotify): its watches are a bounded resource of the whole user, do not work over network and
overlay file systems, and miss what a symbolic link is exchanged for, which is how Kubernetes brings
a new ConfigMap.  A look at a hundred files takes a millisecond, in a thread.  Links are followed,
to files and for the folder itself; not to other folders, which may lead in circles.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Look: TypeAlias = "frozenset[tuple[str, int, int, int]]"
MAXIMUM_FILES: Final = 10_000  # arbitrary; what has more is no folder of tools
_UNREAD: Final = "__pycache__"


class TooManyFiles(Exception):  # noqa: N818  # names what happened
    """
    Raised when a folder holds more files than are looked at.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(f"{folder} holds more than {MAXIMUM_FILES} files; move others elsewhere")


def look(folder: str) -> Look:
    """
    The files of a folder, with what changes when they do.

    Raises:
        TooManyFiles: there are too many.
    """
    found = set()
    for path in _files(folder):
        try:
            status = os.stat(path)  # noqa: PTH116  # a few times faster than a Path
        except OSError:  # it went away, or a link leads nowhere: it is not there
            continue
        found.add((path, status.st_ino, status.st_size, status.st_mtime_ns))
        if len(found) > MAXIMUM_FILES:
            raise TooManyFiles(folder)
    return frozenset(found)


def _files(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _UNREAD and not name.startswith(".")]
        yield from (f"{place}/{name}" for name in names if not name.startswith("."))
