"""
Reads what a bundle's zygote sends of its tools; whatever is not as it should be is empty.  Pure.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

MAXIMUM_TOOLS: Final = 20_000  # of one bundle; arbitrary, far above what a model can choose from


def entries(catalogue: Mapping[str, Any], key: str) -> list[Any]:
    """
    The list under a key, as far as a bundle may have tools.
    """
    found = catalogue.get(key, []) if isinstance(catalogue, Mapping) else []
    return found[:MAXIMUM_TOOLS] if isinstance(found, list) else []


def left_out(catalogue: Mapping[str, Any]) -> int:
    """
    How many tools it has beyond those that a bundle may have.
    """
    found = catalogue.get("tools", []) if isinstance(catalogue, Mapping) else []
    return max(0, len(found) - MAXIMUM_TOOLS) if isinstance(found, list) else 0


def with_files(catalogue: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """
    The manifests of a catalogue, each with the file that it came from, if that is told.
    """
    files = itertools.chain(entries(catalogue, "files"), itertools.repeat(""))
    for value, file in zip(entries(catalogue, "tools"), files, strict=False):
        yield value, file if isinstance(file, str) else ""


def located(value: Any) -> str:
    """
    Why something does not load, with its file, which most reasons name by themselves.
    """
    file, reason = text(value, "file"), text(value, "reason")
    return f"{file}: {reason}" if file and not reason.startswith(file) else reason


def text(value: Any, key: str) -> str:
    """
    The text under a key.
    """
    found = value.get(key, "") if isinstance(value, Mapping) else ""
    return found if isinstance(found, str) else ""
