"""
A file that is open for appending: all of a batch is written, or nothing.

Theory of operation.  A disk that is full takes the first part of a batch.  What it took is cut off
again, so that the next batch does not continue half a line; until that has worked, nothing more is
written.  What was half written at a death is for whoever reads the file to find.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class AppendedFile:
    """
    `size` is that of its whole batches, in bytes.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self._torn = False

    @classmethod
    def created(cls, path: Path) -> Self:
        """
        Raises:
            OSError: it exists, or cannot be made.
        """
        return cls(path, os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600))

    @classmethod
    def opened(cls, path: Path) -> Self:
        """
        Raises:
            OSError: it does not exist, or cannot be opened.
        """
        return cls(path, os.open(path, _FLAGS))

    def write(self, batch: bytes) -> None:
        """
        Append all of it.

        Raises:
            OSError: nothing was appended.
        """
        if self._torn:
            self._cut()
        self._torn = True
        try:
            written = os.write(self._descriptor, batch)
            while written < len(batch):
                written += os.write(self._descriptor, memoryview(batch)[written:])
        except OSError:
            self._cut()
            raise
        self._torn = False
        self.size += len(batch)

    def take_back(self, size: int) -> None:
        """
        What was appended beyond that size is not to be there: it goes before the next batch comes.
        """
        self.size, self._torn = size, True

    def duplicate(self) -> int:
        """
        A descriptor of its own for whoever writes the file through to the disk meanwhile.
        """
        return os.dup(self._descriptor)

    def synchronize(self) -> None:
        """
        Write it through to the disk, now.

        Raises:
            OSError: the disk failed.
        """
        os.fdatasync(self._descriptor)

    def clear(self) -> None:
        """
        Forget all of it.

        Raises:
            OSError: it is still there.
        """
        if self.size or self._torn:
            os.ftruncate(self._descriptor, 0)
            self.size, self._torn = 0, False

    def close(self) -> None:
        """
        Give it back.  Does nothing the second time.
        """
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.size)
        self._torn = False
