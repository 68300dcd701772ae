"""
Where a page of tools begins: after a place, whether or not what stood there is still there.  Pure.

A place is name, version and bundle of the last tool that was sent.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from toolcell_server import versions
from toolcell_server.refusals import BadPageToken
from toolcell_server.shelves import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.tool import Tool


def position(tool: Tool) -> str:
    """
    The place of a tool, for a token.
    """
    return json.dumps([tool.name, tool.version, tool.bundle])


def after(position: str, tools_from: Callable[[str], Iterator[Tool]]) -> Iterator[Tool]:
    """
    The tools that come after a place, or all of them after "".  `tools_from` gives the tools of a
    name and those behind it.

    Raises:
        BadPageToken: it is no place: whoever knows how tokens are made can make one.
    """
    if not position:
        return tools_from("")
    try:
        name, version, bundle = map(str, json.loads(position))
    except (ValueError, TypeError):
        raise BadPageToken("is malformed") from None
    place = (versions.order(version), bundle)

    def sent(tool: Tool) -> bool:
        return tool.name == name and ordered.place(tool) >= place

    return itertools.filterfalse(sent, tools_from(name))
