"""
Names of tools and of arguments, made of what a foreign document or server calls its own.  Pure.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 64


def tool_name(text: str, prefix: str, taken: set[str]) -> str:
    """
    A name for a tool that no other of its document has; it is `taken` then.
    """
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", prefix + text).strip("_") or "operation"
    name = name if re.match("[A-Za-z_]", name) else f"_{name}"
    return _unique(name, taken)


def argument_name(name: str, place: str, taken: set[str]) -> str:
    """
    A name for an argument that no other of its tool has: the parameter's own where it is free, else
    with its place before it (`header_id`).  It is `taken` then.
    """
    own = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:LONGEST] or place
    return _unique(f"{place}_{own}" if own in taken else own, taken)


def _unique(name: str, taken: set[str]) -> str:
    found, number = name[:LONGEST], 1
    while found in taken:
        number += 1
        found = f"{name[: LONGEST - len(str(number)) - 1]}_{number}"
    taken.add(found)
    return found
