"""
What must hold of a value before any of it is looked at: it is JSON, Unicode, and bounded.  Pure.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.defining.faults import Code, Fault
from toolcell_server.json_pointer import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_BYTES: Final = 256 * 2**10  # two schemas of 64 KiB, and room for the rest
MAXIMUM_DEPTH: Final = 48  # of a schema 32, in a manifest
MAXIMUM_VALUES: Final = 20_000


def faults(value: Any) -> list[Fault]:
    """
    Why a value cannot be a definition at all; empty: it may be.
    """
    found: list[Fault] = []
    for count, (at, depth, part) in enumerate(_parts(value), 1):
        if depth > MAXIMUM_DEPTH:
            said = f"is deeper than {MAXIMUM_DEPTH} levels; write it flatter"
            return [Fault(at, Code.TOO_LARGE, said)]
        if count > MAXIMUM_VALUES:
            said = f"has more than {MAXIMUM_VALUES} values; write fewer"
            return [Fault("", Code.TOO_LARGE, said)]
        if text := _wrong(part):
            found.append(Fault(at, Code.NOT_JSON, text))
    return found or _too_large(value)


def _parts(value: Any) -> Iterator[tuple[str, int, Any]]:
    """
    Pointer, depth and value of every part; lazy, and without recursion: the value may be hostile.
    """
    waiting = [("", 1, value)]
    while waiting:
        at, depth, part = waiting.pop()
        yield at, depth, part
        if isinstance(part, dict):
            waiting += [(f"{at}/{escape(str(key))}", depth + 1, part[key]) for key in part]
        elif isinstance(part, list | tuple):
            waiting += [(f"{at}/{index}", depth + 1, each) for index, each in enumerate(part)]


def _wrong(part: Any) -> str:
    match part:
        case None | bool() | list() | tuple():
            return ""
        case int():
            return "" if abs(part) < 2**63 else "is a number of more than 63 bits; write a smaller"
        case float():
            return "" if math.isfinite(part) else f"is {part}, which JSON does not have"
        case str():
            return "" if _unicode(part) else "holds half a character (a lone surrogate)"
        case dict():
            odd = [key for key in part if not isinstance(key, str) or not _unicode(key)]
            return f"has the key {odd[0]!r:.40}, which is no text of JSON" if odd else ""
    return f"is a {type(part).__name__}, which JSON does not have; write it as a text"


def _unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_large(value: Any) -> list[Fault]:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size <= MAXIMUM_BYTES:
        return []
    return [Fault("", Code.TOO_LARGE, f"has {size} bytes; at most {MAXIMUM_BYTES} are allowed")]
