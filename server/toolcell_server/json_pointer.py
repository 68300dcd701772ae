"""
JSON pointers (RFC 6901): "/files/0/name" is where a part of a value is; "" is the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def escape(key: str) -> str:
    """
    A key as one part of a pointer.
    """
    return key.replace("~", "~0").replace("/", "~1")


def pointer(parts: Iterable[str | int]) -> str:
    """
    The pointer through these keys and indexes.
    """
    return "".join(f"/{escape(str(part))}" for part in parts)
