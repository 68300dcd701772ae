"""
The files that a running server writes: the newest, the change to the next, and what retention
takes away.

The first record of a file names the file and carries, as every record, the hash of the one before.
A file that is full is never opened for writing again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.appending import AppendedFile
from toolcell_server.audit import folder as folders
from toolcell_server.audit import lines, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toolcell_server.settings.audit import AuditSettings

DAY: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Deletion:
    """
    A file that is to go, and the number and the hash of its last record.
    """

    path: Path
    last: int
    head: str

    def to_json(self) -> dict[str, Any]:
        return {"file": self.path.name, "last": self.last, "head": self.head}


class Files:
    """
    Writes to the newest file of a folder.
    """

    def __init__(self, folder: Path, settings: AuditSettings, number: int) -> None:
        self._folder = folder
        self._settings = settings
        self._number = number
        self._file: AppendedFile | None = None
        self._opened = 0.0

    @property
    def name(self) -> str:
        return folders.name(self._number)

    def resume(self) -> None:
        """
        Write on in the newest file.

        Raises:
            OSError: it cannot be opened.
        """
        path = self._folder / self.name
        self._file = AppendedFile.opened(path)
        self._opened = path.stat().st_ctime

    def next(self) -> None:
        """
        Begin a new file; the one before stays the newest if that fails.

        Raises:
            OSError: it cannot be made.
        """
        file = AppendedFile.created(self._folder / folders.name(self._number + 1))
        folders.synchronize(self._folder)
        self.close()
        self._file, self._number, self._opened = file, self._number + 1, time.time()

    def write(self, batch: bytes) -> None:
        """
        Raises:
            OSError: nothing of it was written.
        """
        self._current.write(batch)

    def duplicate(self) -> int:
        return self._current.duplicate()

    def synchronize(self) -> None:
        """
        Raises:
            OSError: the disk failed.
        """
        self._current.synchronize()

    def due(self) -> bool:
        """
        Whether it is time for the next file.
        """
        if self._current.size >= self._settings.rotate_bytes:
            return True
        return time.time() - self._opened >= self._settings.rotate_seconds

    def expired(self) -> Iterator[Deletion]:
        """
        What retention takes away, the oldest first; never the newest file.

        Raises:
            OSError: the folder or a file cannot be read.
        """
        settings = self._settings
        found = folders.files(self._folder)
        surplus = len(found) - settings.keep_files if settings.keep_files else 0
        latest = time.time() - settings.keep_days * DAY
        for index, path in enumerate(found[:-1]):
            old = settings.keep_days and path.stat().st_mtime < latest
            if index >= surplus and not old:
                return
            deletion = _deletion(path)
            if deletion is None:
                return  # what cannot be read is for people to look at
            yield deletion

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    @property
    def _current(self) -> AppendedFile:
        assert self._file is not None
        return self._file


def _deletion(path: Path) -> Deletion | None:
    try:
        line = lines.read(reading.last_line(path))
    except lines.NotALine:
        return None
    return Deletion(path, line.sequence, line.hash)
