"""
The folder of the database, and the file in it: nobody else's, and nobody else writes there.

Theory of operation.  Whoever can write into the folder can put another file in place of ours, with
endings of his own invention; whoever can read the file reads the results of tools.  SQLite makes
the files that it puts beside the database (`-wal`) with the permissions of the database.
https://www.sqlite.org/src/file?name=src/os_unix.c (findCreateFileMode)
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_FILE_MODE: Final = 0o600


def prepare(file: Path) -> None:
    """
    Check the folder of the file, make the file if there is none, and make it ours alone.

    Raises:
        OSError: one of the two is not as it must be, or cannot be made so; the text has a remedy.
    """
    folder = file.parent.stat()
    ours = os.geteuid()
    if folder.st_uid != ours:
        what = f"its folder belongs to user {folder.st_uid}, and the server is user {ours}"
        raise PermissionError(f"{what}: chown it, or give another state_dir")
    if folder.st_mode & stat.S_IWOTH:
        raise PermissionError("its folder can be written by everybody: chmod o-w it")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(file, flags, _FILE_MODE)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != ours:
            raise PermissionError(f"it is no file of user {ours}, who the server is: remove it")
        os.fchmod(descriptor, _FILE_MODE)
    finally:
        os.close(descriptor)
