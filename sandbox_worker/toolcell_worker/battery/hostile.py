"""
Finds and runs hostile code by its name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "toolcell_worker.battery"


def find(name: str) -> Callable[[dict[str, Any]], Any]:
    """
    The function that "module.function" names.
    """
    module, _, function = name.partition(".")
    found: Callable[[dict[str, Any]], Any] = getattr(
        importlib.import_module(f"{PACKAGE}.{module}"), function
    )
    return found


def perform(name: str, plan: dict[str, Any]) -> Any:
    """
    Run it; its result as a value that JSON has.
    """
    return plain(find(name)(plan))


def plain(value: Any) -> Any:
    """
    Bytes as the characters of their numbers, what JSON has not as its representation.
    """
    match value:
        case bytes() | bytearray():
            return value.decode("latin-1")
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [plain(item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return repr(value)
