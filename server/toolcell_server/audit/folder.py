"""
The folder of an audit log: its files, in order, and the lock of its one writer.

The files are `audit-00000001.jsonl`, `audit-00000002.jsonl` and so on: sorted by name they are in
order, and a missing number is a missing file.  None is opened through a link.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOCK: Final = "lock"
# Whoever asks whether the folder is in use holds the lock for some microseconds.
_PAUSES: Final = (0.01, 0.02, 0.05)  # seconds
_NAME: Final = re.compile(r"audit-(\d{8})\.jsonl")
_OPENING: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class AuditUnusable(Exception):  # noqa: N818  # names what happened
    """
    Raised when an audit log cannot be kept there; reads as one line with the remedy.
    """


def name(number: int) -> str:
    """
    The name of that file.
    """
    return f"audit-{number:08}.jsonl"


def number(file: str) -> int:
    """
    The number of a file; 0 if it is none of the log's.
    """
    found = _NAME.fullmatch(file)
    return int(found[1]) if found else 0


def files(folder: Path) -> list[Path]:
    """
    The files of the log, the oldest first.

    Raises:
        OSError: the folder cannot be read.
    """
    found = (path for path in folder.iterdir() if number(path.name))
    return sorted(found, key=lambda path: number(path.name))


def prepare(folder: Path) -> None:
    """
    Make the folder, if it is not there, for its owner alone.

    Raises:
        AuditUnusable: it cannot be made, or others may write there.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
    except OSError as exc:
        raise AuditUnusable(
            f"the audit folder {folder} cannot be made: {exc.strerror}; create it, or name another"
            " with audit.folder"
        ) from None
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise AuditUnusable(
            f"others may write in the audit folder {folder}; take that from them: chmod go-w"
        )
    if found.st_uid not in (0, os.geteuid()):
        raise AuditUnusable(
            f"the audit folder {folder} belongs to another user; give it to the server's: chown"
        )


def lock(folder: Path) -> int:
    """
    Become the one writer; closing the descriptor, or the end of this process, gives that up.

    Raises:
        AuditUnusable: another process is, or nobody can be.
    """
    try:
        descriptor = os.open(folder / LOCK, _OPENING, 0o600)
    except OSError as exc:
        raise AuditUnusable(
            f"the audit folder {folder} cannot be written: {exc.strerror}; let the server's user"
            " write there, or name another with audit.folder"
        ) from None
    for pause in (*_PAUSES, 0.0):
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        time.sleep(pause)
    os.close(descriptor)
    raise AuditUnusable(
        f"another server writes its audit log in {folder}; give each its own audit.folder"
    )


def in_use(folder: Path) -> bool:
    """
    Whether a server writes there now.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def synchronize(folder: Path) -> None:
    """
    Write names through to the disk (fsync(2): a file's own does not).

    Raises:
        OSError: the disk failed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
