"""
Reads the files of a log, line by line, however large or broken they are.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Final

from toolcell_server.audit import folder as folders
from toolcell_server.audit.lines import MAXIMUM_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from toolcell_server.audit.verifying import Verification

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


def lines(path: Path) -> Iterator[bytes]:
    """
    Each line with its line feed; what is longer than a record can be comes in pieces without one.

    Raises:
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        while line := file.readline(MAXIMUM_LINE):
            yield line


def last_line(path: Path) -> bytes:
    """
    The last whole line, without its line feed; empty if there is none of a record's size.

    Raises:
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        file.seek(max(0, path.stat().st_size - MAXIMUM_LINE))
        whole, _, _ = file.read().rpartition(b"\n")
        return whole.rpartition(b"\n")[2]


def verify(paths: Sequence[Path], verification: Verification, *, in_use: bool = False) -> None:
    """
    Lead these files of one log through a verification, up to its `finish`.  `in_use`: a server
    may be writing the last line just now.

    Raises:
        OSError: one of them cannot be read.
    """
    for before, path in itertools.pairwise([None, *paths]):
        assert path is not None
        if before is not None:
            for absent in _between(before, path):
                verification.missing(absent)
        verification.begin(path.name)
        for line in lines(path):
            if line.endswith(b"\n"):
                verification.add(line[:-1])
            elif not (in_use and path == paths[-1]):
                verification.torn(len(line))
    verification.finish()


def _between(before: Path, path: Path) -> Iterator[str]:
    """
    The files that should be between two; the first few.
    """
    low, high = folders.number(before.name) + 1, folders.number(path.name)
    return (folders.name(number) for number in range(low, min(high, low + 10)))


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, _FLAGS), "rb")
