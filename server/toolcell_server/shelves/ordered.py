"""
The order of tools in lists: by name, then newest version first.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Final

from toolcell_server import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.principal import Principal
    from toolcell_server.shelves.own import OwnShelves
    from toolcell_server.shelves.shelf import Shelf
    from toolcell_server.tool import Tool

_SHADOWED: Final = "there is a tool of this name for everybody; register it by another name"


def ordered(
    shelf: Shelf, own: OwnShelves, principal: Principal, first: str, may: Callable[[Tool], bool]
) -> Iterator[Tool]:
    """
    Every tool of everybody's and of that caller for which `may` is true, from the name `first` on.
    """
    shelves = [shelf, *own.of_caller(principal)]
    names = heapq.merge(*(each.names(first) for each in shelves))
    for name, _ in itertools.groupby(names) if shelves[1:] else zip(names, itertools.repeat(0)):
        found = [tool for tool in shelf.of(name) if may(tool)]
        his = [tool for tool in own.of(name, principal) if may(tool)]
        if found and his:
            his = [tool.as_broken(_SHADOWED) for tool in his]
        yield from sorted((*found, *his), key=place, reverse=True)


def place(tool: Tool) -> tuple[versions.Order, str]:
    """
    Orders the tools of one name, oldest first.
    """
    return versions.order(tool.version), tool.bundle
