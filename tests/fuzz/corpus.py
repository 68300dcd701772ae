"""
The committed inputs of a target, and which of many inputs are worth committing.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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


def reached(
    candidates: Iterable[bytes], target: Callable[[bytes], None]
) -> dict[str, tuple[int, int]]:
    """
    How many lines of its functions the inputs reach in each file of which they reach any, and how
    many there are.
    """
    seen: dict[str, set[int]] = {}
    for data in candidates:
        for file, _, line in _edges(data, target):
            seen.setdefault(file, set()).add(line)
    every = {file: set(_lines(compile(Path(file).read_text(), file, "exec"))) for file in seen}
    return {file: (len(seen[file] & every[file]), len(every[file])) for file in sorted(seen)}


def _lines(code: CodeType) -> Iterator[int]:
    """
    Of the functions in it: what a module does when it is imported is done once.
    """
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _lines(inner)
            if inner.co_flags & inspect.CO_OPTIMIZED:  # a function's, and no class body
                first = inner.co_firstlineno  # of its `def`, which no call runs
                yield from (line for _, _, line in inner.co_lines() if line and line != first)


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
