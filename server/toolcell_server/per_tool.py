"""
What is worked out once for a tool, and kept for as long as there is that tool.

Theory of operation.  Tools are told apart by identity: a reload brings another one of the same name
and version, and what was made of the one before no longer holds.  A tool is not kept alive by what
was made of it: callers may register ever new ones, and what nobody can call any more is gone with
all that belongs to it.  So what is made of a tool must not hold the tool.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.tool import Tool

Made = TypeVar("Made")


class PerTool(Generic[Made]):
    """
    One value for each tool.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Tool], Made]] = {}

    def get(self, tool: Tool, make: Callable[[Tool], Made]) -> Made:
        """
        What was made of this tool; `make` is asked for it at most once.
        """
        key = id(tool)
        kept = self._kept.get(key)
        if kept is None or kept[0]() is not tool:
            made = make(tool)
            gone = functools.partial(_forget, self._kept, key)
            kept = self._kept[key] = weakref.ref(tool, gone), made
        return kept[1]


def _forget(kept: dict[int, tuple[weakref.ref[Tool], Made]], key: int, of: object) -> None:
    """
    Let go what was made of a tool that is gone; another may have its place already.
    """
    if (one := kept.get(key)) is not None and one[0] is of:
        del kept[key]
