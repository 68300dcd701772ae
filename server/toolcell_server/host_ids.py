"""
Which host ids cells may have, when the service was started by root.

The kernel's map of our own user namespace (user_namespaces(7)) says which ids exist here: all of
them on a plain host, fewer in a container.  A range well above ordinary accounts is preferred.
"""

from __future__ import annotations

import os
from pathlib import Path

PREFERRED_FIRST = 100_000
WANTED = 65_536
FEWEST = 1024  # the capacity of the service; fewer ids could not be told apart
ORDINARY = 1000  # below are the host's system accounts


class NoSpareIds(Exception):  # noqa: N818  # names what happened
    """
    Raised when the service was started by root and no other ids exist.
    """

    def __init__(self) -> None:
        super().__init__(
            "started as root, but this user namespace maps no spare ids for cells to have; "
            f"start as an ordinary user, or map at least {FEWEST} more ids"
        )


def spare_ids() -> tuple[int, int] | None:
    """
    The first id and their number, or nothing if we are an ordinary user.

    Raises:
        NoSpareIds: we are root, and no range is large enough.
    """
    if os.geteuid() != 0:
        return None
    return choose(_extents("/proc/self/uid_map"), _extents("/proc/self/gid_map"))


def choose(users: list[tuple[int, int]], groups: list[tuple[int, int]]) -> tuple[int, int]:
    """
    A range that lies in an extent (first, count) of both, preferably (100000, 65536).

    Raises:
        NoSpareIds: there is none.
    """
    for first in (PREFERRED_FIRST, ORDINARY):
        spare = min(_after(first, users), _after(first, groups))
        if spare >= FEWEST:
            return first, min(spare, WANTED)
    raise NoSpareIds


def _after(first: int, extents: list[tuple[int, int]]) -> int:
    """
    How many ids from `first` on lie in one extent.
    """
    return max((s + n - first for s, n in extents if s <= first < s + n), default=0)


def _extents(path: str) -> list[tuple[int, int]]:
    rows = (line.split() for line in Path(path).read_text().splitlines())
    return [(int(inside), int(count)) for inside, _, count in rows]
