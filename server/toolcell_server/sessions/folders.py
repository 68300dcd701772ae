"""
Where workspaces lie: a folder of the server's own, with one folder for each session.

Theory of operation.  In `state_dir` they outlive the server; without it they lie in a temporary
folder that goes with it.  A session's folder has a random name, of its own and not its id, and
holds `files`, which cells get, and `incoming`, in which uploads grow until they are put in place:
both on one file system, so that putting in place is a rename.

Started by root, the files belong to an id of the cells' own range that no cell ever has: never to
root, so that no program that a tool leaves there is root's, and cells see them as theirs by an
idmapped mount (the worker's `keeper.py`).  Started by an ordinary user they are that user's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from toolcell_server.sessions import removing

if TYPE_CHECKING:
    from collections.abc import Collection

_NAME: Final = "sessions"
_FILES: Final = "files"
_INCOMING: Final = "incoming"
OURS: Final = -1  # an owner that is not given away: us


@dataclass(frozen=True, slots=True)
class Folders:
    """
    The folders of all sessions, below `top`.  `owner` is whose the files are.
    """

    top: str
    owner: int = OURS
    temporary: bool = False

    @classmethod
    def made(cls, state_dir: str, spare: tuple[int, int] | None) -> Self:
        """
        `spare` are the ids of cells (first, count), if there are several.

        Raises:
            OSError: the folder cannot be made.
        """
        owner = spare[0] + spare[1] - 1 if spare else OURS
        if not state_dir:
            made = tempfile.mkdtemp(prefix="toolcell-sessions-")
            return cls(os.path.realpath(made), owner, temporary=True)
        top = os.path.join(os.path.realpath(state_dir), _NAME)  # noqa: PTH118  # a text is kept
        os.makedirs(top, mode=0o700, exist_ok=True)  # noqa: PTH103  # as above
        os.chmod(top, 0o700)  # noqa: PTH101  # as above
        return cls(top, owner)

    def files(self, place: str) -> str:
        """
        The workspace of a session.
        """
        return f"{self.top}/{place}/{_FILES}"

    def incoming(self, place: str) -> str:
        """
        Where its uploads grow.
        """
        return f"{self.top}/{place}/{_INCOMING}"

    def make(self, place: str) -> None:
        """
        Raises:
            OSError: it cannot be made.
        """
        Path(self.top, place).mkdir(mode=0o700)
        Path(self.incoming(place)).mkdir(mode=0o700)
        Path(self.files(place)).mkdir(mode=0o700)
        if self.owner != OURS:
            os.chown(self.files(place), self.owner, self.owner)

    def remove(self, place: str) -> None:
        """
        Remove a session's folder and everything in it; nothing, if it is not there.

        Raises:
            OSError: something cannot be removed.
        """
        top = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileNotFoundError):
                removing.remove(place, top)
        finally:
            os.close(top)

    def sweep(self, known: Collection[str]) -> None:
        """
        Remove what no session owns any more, and what uploads have left.
        """
        for name in os.listdir(self.top):  # noqa: PTH208  # names are enough
            if name not in known:
                self.remove(name)
        for place in known:
            for left in Path(self.incoming(place)).glob("*"):
                left.unlink()

    def free_bytes(self) -> int:
        """
        How much of the disk is free for us.
        """
        status = os.statvfs(self.top)
        return status.f_bavail * status.f_frsize

    def close(self) -> None:
        """
        A temporary folder goes with the server.
        """
        if self.temporary:
            self.sweep(())
            shutil.rmtree(self.top, ignore_errors=True)
