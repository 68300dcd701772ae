"""
Which of the tools that a principal may call are offered.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from toolcell_client.loops.choosing import Listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell.v1 import registry_pb2


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
    listed = Listed()
    for tool in tools:
        if choice.admits(tool):
            listed.add(tool)
    return tuple(tool for _, tool in sorted(listed.newest.items()))
