"""
What is worked out once for a tool, and kept for as long as it is that tool.

Theory of operation.  Tools are told apart by identity: a reload brings another one of the same name
and version, and what was made of the one before no longer holds.  Tools that nobody can call any
more are not looked for; when there are too many, all are forgotten and worked out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.tool import Tool

MOST_TOOLS: Final = 10_000  # arbitrary
Made = TypeVar("Made")


class PerTool(Generic[Made]):
    """
    One value for each tool.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[Tool, Made]] = {}

    def get(self, tool: Tool, make: Callable[[Tool], Made]) -> Made:
        """
        What was made of this tool; `make` is asked for it at most once.
        """
        key = tool.name, tool.version
        kept = self._kept.get(key)
        if kept is None or kept[0] is not tool:
            made = make(tool)
            if len(self._kept) >= MOST_TOOLS:
                self._kept.clear()
            kept = self._kept[key] = tool, made
        return kept[1]
