"""
What bundles offer, and whose each name is.

Theory of operation.  A name belongs to the bundle that comes first in the settings, the built-in
one before all, for as long as that bundle offers it, broken or not: the same name from another
bundle is broken, so that a second bundle can never take over the calls of a first, whichever
happens to load sooner.  What was registered for everybody is as a bundle that comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import registry_pb2

from toolcell_server import versions
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Offers:
    """
    `order` are the bundles, the one that wins a name first.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._ranks = {bundle: rank for rank, bundle in enumerate(order)}
        self._offers: dict[str, dict[str, list[Tool]]] = {}  # by bundle and name
        self._owners: dict[str, str] = {}

    def of_bundle(self, bundle: str) -> list[Tool]:
        """
        What a bundle offers, whoever owns the names.
        """
        return [tool for tools in self._offers.get(bundle, {}).values() for tool in tools]

    def replace(self, bundle: str, tools: Iterable[Tool]) -> set[str]:
        """
        Have these of a bundle, in place of all that it had.  Returns the names that this concerns.
        """
        had = self._offers.get(bundle, {})
        offers: dict[str, list[Tool]] = {}
        for tool in tools:
            offers.setdefault(tool.name, []).append(tool)
        self._offers[bundle] = offers
        return {*had, *offers}

    def put(self, bundle: str, name: str, tools: Sequence[Tool]) -> None:
        """
        Have these of a bundle by one name, in place of those that it had.
        """
        offers = self._offers.setdefault(bundle, {})
        if tools:
            offers[name] = list(tools)
        else:
            offers.pop(name, None)

    def of(self, name: str) -> list[Tool]:
        """
        The tools of a name: those of its owner first, the rest broken; those that are not
        deprecated before the others, and newer ones before older.
        """
        offered = {bundle: of[name] for bundle, of in self._offers.items() if name in of}
        owner = self._owner(name, offered)
        tools = [_owned(tool, owner) for tools in offered.values() for tool in tools]
        return sorted(
            tools, key=lambda tool: (tool.bundle == owner, *preference(tool)), reverse=True
        )

    def _owner(self, name: str, offered: dict[str, list[Tool]]) -> str:
        """
        The bundle that the name is of; nobody's as long as nothing of it loads.
        """
        owner = self._owners.get(name, "")
        if owner not in offered:
            owner = ""
        for bundle, tools in offered.items():
            loads = any(tool.state != registry_pb2.TOOL_STATE_BROKEN for tool in tools)
            if loads and (not owner or self._rank(bundle) < self._rank(owner)):
                owner = bundle
        self._owners.pop(name, None)
        if owner:
            self._owners[name] = owner
        return owner

    def _rank(self, bundle: str) -> int:
        return self._ranks.get(bundle, len(self._ranks))


def preference(tool: Tool) -> tuple[bool, versions.Order]:
    """
    Orders the tools of one name and owner, the one last that a call gets.
    """
    return not tool.deprecated, versions.order(tool.version)


def _owned(tool: Tool, owner: str) -> Tool:
    if owner in ("", tool.bundle):
        return tool
    reason = f"the bundle {owner} has a tool of this name; rename one of them"
    return Tool.broken(tool.name, tool.bundle, reason, tool.version)
