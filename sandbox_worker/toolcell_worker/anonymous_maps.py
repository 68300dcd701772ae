"""
`mmap.mmap(-1, …)` in a cell, where shared memory without a file is refused.

Theory of operation.  The filter refuses it because no limit counts it (`walls/argument_rules.py`),
and Python asks for it whenever it is asked for memory without a file.  A tool that cannot fork has
nobody to share with: it gets private memory, which it cannot tell apart.  One that can gets a file
without a name in /dev/shm, as other libraries do, which is part of the cell's disk.

This is for what tools ask of Python.  Nothing protects here, and nothing must.
"""

from __future__ import annotations

import mmap
import os
from typing import Any, Self

FOLDER = "/dev/shm"  # noqa: S108  # private to a cell
NO_FILE = -1
READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE


class Mapping(mmap.mmap):
    """
    As `mmap.mmap`, for memory without a file that the cell is allowed.  `alone`: this process has
    nobody to share with.
    """

    alone = True

    def __new__(
        cls,
        fileno: int,
        length: int,
        flags: int = mmap.MAP_SHARED,
        prot: int = READ_WRITE,
        access: int = mmap.ACCESS_DEFAULT,
        **further: Any,
    ) -> Self:
        given = (flags, prot, access)
        if fileno != NO_FILE or not flags & mmap.MAP_SHARED or access == mmap.ACCESS_COPY:
            return super().__new__(cls, fileno, length, *given, **further)
        # Python itself keeps whoever asked for ACCESS_READ from writing, and only then.
        if cls.alone and access != mmap.ACCESS_READ:
            flags = flags & ~mmap.MAP_SHARED | mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
            return super().__new__(cls, fileno, length, flags, prot)
        file = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            # All of it, and now: what is missing when it is touched would end the process.
            os.posix_fallocate(file, 0, length)
            given = (flags & ~mmap.MAP_ANONYMOUS, prot, access)
            return super().__new__(cls, file, length, *given, **further)
        finally:
            os.close(file)


def install() -> None:
    """
    Let everybody who asks the module `mmap` have it; before tools are imported.
    """
    mmap.mmap = Mapping  # type: ignore[assignment,misc]
