"""
The order of a tool's versions.  Pure.
"""

from __future__ import annotations

import re
from typing import Final

_PART: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_TEXT, _END, _NUMBER = range(3)

Order = tuple[tuple[tuple[int, int, str], ...], str]


def order(version: str) -> Order:
    """
    A key to sort versions by, oldest first: numbers by value (1.9 before 1.10), a text before the
    end (2.0-beta before 2.0), the end before a number (2.0 before 2.0.1).  Any text is a version;
    the empty one is the oldest.
    """
    parts = tuple(
        (_NUMBER, int(part), "") if part.isdigit() else (_TEXT, 0, part)
        for part in _PART.findall(version)
    )
    return ((*parts, (_END, 0, "")) if version else (), version)
