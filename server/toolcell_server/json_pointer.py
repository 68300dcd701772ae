"""
JSON pointers (RFC 6901): "/files/0/name" is where a part of a value is; "" is the whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING: Final = object()
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


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


def parse(text: str) -> tuple[str, ...]:
    """
    The parts of a pointer: of "" none.

    Raises:
        ValueError: it is no pointer.
    """
    if text == "":
        return ()
    if not text.startswith("/"):
        raise ValueError("a JSON pointer is empty or begins with /")
    if re.search(r"~(?![01])", text):
        raise ValueError("a ~ in a JSON pointer is written ~0, and a / in a key ~1")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def find(value: Any, parts: Iterable[str]) -> Any:
    """
    What a pointer points at; `MISSING` if there is nothing.
    """
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and _INDEX.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value
