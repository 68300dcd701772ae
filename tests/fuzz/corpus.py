"""
The committed inputs of a target, and which of many inputs are worth committing.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CORPUS: Final = Path(__file__).parent / "corpus"
_TRACED: Final = "toolcell_server"

Edge = tuple[str, int, int]


def inputs(folder: Path) -> list[bytes]:
    """
    The inputs of a folder, the shortest first.
    """
    found = [path.read_bytes() for path in folder.iterdir() if path.is_file()]
    return sorted(found, key=lambda data: (len(data), data))


def worth_keeping(candidates: Iterable[bytes], target: Callable[[bytes], None]) -> list[bytes]:
    """
    The inputs that go from one line of a parser to another as none before them did.
    """
    seen: set[Edge] = set()
    kept: list[bytes] = []
    for data in candidates:
        edges = _edges(data, target)
        if edges - seen:
            seen |= edges
            kept.append(data)
    return kept


def replace(folder: Path, kept: Iterable[bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for data in kept:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def _edges(data: bytes, target: Callable[[bytes], None]) -> set[Edge]:
    edges: set[Edge] = set()

    def begin(frame: Any, _event: str, _argument: object) -> Any:
        if _TRACED not in frame.f_code.co_filename:
            return None
        last = 0

        def step(frame: Any, _event: str, _argument: object) -> Any:
            nonlocal last
            edges.add((frame.f_code.co_filename, last, frame.f_lineno))
            last = frame.f_lineno
            return step

        return step

    sys.settrace(begin)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return edges
