"""
Files that nobody is to touch, and what was done to them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 2**20  # canaries are small; what an attacker made of one may not be


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What one entry of a folder is.  The times of access and change are left out: to look at it
    changes them.
    """

    content: str
    mode: int
    owner: tuple[int, int]
    links: int
    modified: int
    attributes: tuple[tuple[str, bytes], ...]


def look(path: str) -> dict[str, Facts]:
    """
    Everything at `path` and below it; nothing if it is not there.
    """
    found = {}
    with contextlib.suppress(FileNotFoundError):
        found[path] = _facts(path)
        if stat.S_ISDIR(found[path].mode):
            for inner in sorted(Path(path).iterdir()):
                found.update(look(str(inner)))
    return found


def differences(before: dict[str, Facts], after: dict[str, Facts]) -> list[str]:
    """
    A sentence for each entry that was changed, removed or joined by a new one.
    """
    said = [f"removed: {path}" for path in before if path not in after]
    said += [f"new: {path}" for path in after if path not in before]
    for path, then in before.items():
        now = after.get(path, then)
        names = [n for n in Facts.__slots__ if getattr(then, n) != getattr(now, n)]
        if names:
            said.append(f"changed: {path} ({', '.join(names)})")
    return said


def _facts(path: str) -> Facts:
    status = os.lstat(path)
    # A folder's size, links and time follow its entries, which are looked at themselves.
    folder = stat.S_ISDIR(status.st_mode)
    return Facts(
        content="" if folder else _content(path, status),
        mode=status.st_mode,
        owner=(status.st_uid, status.st_gid),
        links=0 if folder else status.st_nlink,
        modified=0 if folder else status.st_mtime_ns,
        attributes=_attributes(path),
    )


def _content(path: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return str(Path(path).readlink())
    if not stat.S_ISREG(status.st_mode):
        return str(status.st_rdev)
    with Path(path).open("rb") as file:
        digest = hashlib.sha256(file.read(READ_BYTES)).hexdigest()
    return f"{status.st_size} {digest}"


def _attributes(path: str) -> tuple[tuple[str, bytes], ...]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    except OSError:
        return ()
