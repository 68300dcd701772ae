"""
What a file would become, for people: a difference of bounded size in bounded time.  Pure.

Theory of operation.  Both contents may have been written to freeze whoever compares them, and the
usual algorithms are quadratic at least.  So lines that are equal at the beginning and at the end
are left out, and what lies between is one hunk, all of the old before all of the new: linear, a
valid unified diff, and never wrong, though longer than it might be.  Each line is made printable,
so that none can pose as another.  Contents that are no text, or too large, are told by their size
and digest.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from toolcell_server.approvals.telling import printable, shortened

CONTEXT: Final = 3  # lines
MAXIMUM_TEXT: Final = 256 * 1024  # bytes of a content that is compared line by line
MAXIMUM_LINES: Final = 400  # of one file's difference
MAXIMUM_LINE: Final = 300  # characters
_NOTHING: Final = "does not exist"


class Content(NamedTuple):
    """
    A file's content: its digest, its size, and its bytes unless there are too many.
    """

    digest: str
    size: int
    data: bytes | None

    @property
    def lines(self) -> list[str] | None:
        """
        As text; nothing if it is none.
        """
        if self.data is None or b"\0" in self.data:
            return None
        try:
            return self.data.decode().split("\n")
        except UnicodeDecodeError:
            return None

    @property
    def told(self) -> str:
        """
        Size and digest.
        """
        return f"{self.size} bytes, sha256 {self.digest}"


ABSENT: Final = Content("", 0, b"")


def content(data: bytes) -> Content:
    """
    Of bytes that are at hand.
    """
    kept = data if len(data) <= MAXIMUM_TEXT else None
    return Content(hashlib.sha256(data).hexdigest(), len(data), kept)


def difference(path: str, before: Content, after: Content) -> tuple[str, bool]:
    """
    What the file becomes, and whether that is all of it.
    """
    name = printable(path)
    old = _NOTHING if before is ABSENT else before.told
    head = [f"--- {name} ({old})", f"+++ {name} ({after.told})"]
    if before.digest == after.digest:
        return "\n".join([*head, "(unchanged)"]), True
    lines, new = before.lines, after.lines
    if lines is None or new is None:
        return "\n".join([*head, "(not shown: no text, or too large)"]), False
    shown, complete = _bounded(_hunk([] if before is ABSENT else lines, new))
    return "\n".join([*head, *shown]), complete


def _hunk(old: list[str], new: list[str]) -> list[str]:
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    begin = max(first - CONTEXT, 0)
    after = old[len(old) - last :][:CONTEXT]
    removed, added = old[first : len(old) - last], new[first : len(new) - last]
    around = first - begin + len(after)
    counts = f"-{begin + 1},{len(removed) + around} +{begin + 1},{len(added) + around}"
    return [
        f"@@ {counts} @@",
        *(f" {line}" for line in old[begin:first]),
        *(f"-{line}" for line in removed),
        *(f"+{line}" for line in added),
        *(f" {line}" for line in after),
    ]


def _common(old: list[str], new: list[str]) -> int:
    """
    How many lines are equal from the beginning.
    """
    for at, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return at
    return min(len(old), len(new))


def _bounded(lines: list[str]) -> tuple[list[str], bool]:
    half = MAXIMUM_LINES // 2
    complete = len(lines) <= MAXIMUM_LINES
    if not complete:
        left_out = f"… {len(lines) - 2 * half} lines left out …"
        lines = [*lines[:half], left_out, *lines[-half:]]
    shown = [shortened(printable(line), MAXIMUM_LINE) for line in lines]
    return shown, complete and all(len(printable(line)) <= MAXIMUM_LINE for line in lines)
