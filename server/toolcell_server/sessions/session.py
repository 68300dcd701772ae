"""
One session, as the database keeps it.  Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire.workspace import WORKSPACE

from toolcell_server.policy import Root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.grants import PathGrant

MAXIMUM_PATH: Final = 512  # bytes of a path that callers are told, and can name
ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
COLUMNS: Final = (
    *("number", "owner", "session_id", "place", "created", "used"),
    *("expires", "idle", "quota_bytes", "quota_files"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    A workspace, whose it is, and how long it lasts.  `number` counts sessions in the order in which
    they were made; `place` is the folder that holds it, a random name.  Times in seconds of the
    wall clock; `idle` is how long it lasts unused.
    """

    number: int = 0
    owner: str
    session_id: str
    place: str
    created: float
    used: float
    expires: float
    idle: float
    quota_bytes: int
    quota_files: int
    folder: str = ""  # the workspace itself
    exempt: tuple[str, ...] = ()  # what policy denies of the server's own, and this lies in

    @property
    def root(self) -> Root:
        """
        The workspace, as policy has the folders that tools may be granted paths in.
        """
        return Root(WORKSPACE, self.folder, writable=True, exempt=self.exempt)

    def has_expired(self, now: float, *, running: bool) -> bool:
        """
        Whether it is over at that time; while calls run in it, it is used.
        """
        return now >= self.expires or (not running and now >= self.used + self.idle)


def may_fill(paths: Iterable[PathGrant]) -> bool:
    """
    Whether a call with these paths may leave something in a workspace.
    """
    return any(path.root == WORKSPACE and path.access != pb.PATH_ACCESS_READ for path in paths)
