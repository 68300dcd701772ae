"""
What a tool is in a call that has a session.  Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toolcell_worker.wire.workspace import WORKSPACE

from toolcell_server.effects import READ_ONLY
from toolcell_server.manifest import ONCE

if TYPE_CHECKING:
    from toolcell_server.tool import Tool


def in_session(tool: Tool) -> Tool:
    """
    The tool with the workspace among its paths, if it asks for it.  One that changes nothing but
    the workspace changes something then, and is not to be tried again as if it did not; and what
    lies at one path in two sessions is not the same, so none is answered from a cache.
    """
    if not tool.workspace:
        return replace(tool, cache_ttl_seconds=0) if tool.cache_ttl_seconds else tool
    paths = (*tool.paths, {"path": WORKSPACE, "access": tool.workspace})
    if tool.effects != READ_ONLY or tool.workspace == "read":
        return replace(tool, paths=paths, cache_ttl_seconds=0)
    return replace(tool, paths=paths, effects="writes", cache_ttl_seconds=0, retry=ONCE)
