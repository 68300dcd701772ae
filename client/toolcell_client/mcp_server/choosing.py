"""
Which of the tools that a principal may call are offered.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """
    What an operator asked for; each field that is empty admits everything.  In `names` `*` stands
    for any letters; one of `categories` must fit, and each of `tags`.
    """

    names: tuple[str, ...] = ()
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def admits(self, tool: registry_pb2.Tool) -> bool:
        """
        Whether the tool is offered, if it can be called at all.
        """
        return (
            (not self.names or any(fnmatchcase(tool.name, each) for each in self.names))
            and (not self.categories or tool.category in self.categories)
            and self.tags <= set(tool.tags)
        )


def chosen(tools: Iterable[registry_pb2.Tool], choice: Choice) -> tuple[registry_pb2.Tool, ...]:
    """
    Those that are offered, by name: available, not deprecated, the newest version of each.

    Parameters:
        tools: of one name, the newest version first, as the server lists them.
    """
    found: dict[str, registry_pb2.Tool] = {}
    for tool in tools:
        callable_ = tool.state == registry_pb2.TOOL_STATE_AVAILABLE and not tool.deprecated
        if callable_ and tool.name not in found and choice.admits(tool):
            found[tool.name] = tool
    return tuple(found[name] for name in sorted(found))
