"""
Which tool stands in for which.

Theory of operation.  A fallback does no more than the tool that it stands in for: where one only
reads, so does the other.  That is looked at when a fallback is needed, because either may have been
reloaded by then; and told in the log when the server starts, because nobody else would see it
before the day on which it is needed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from toolcell_server import effects
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import CallRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.principal import Principal
    from toolcell_server.tool import Tool

_log = logging.getLogger(__name__)


class Tools(Protocol):
    """
    Where tools are found.
    """

    def find(self, name: str, version: str = "", principal: Principal = ANYBODY, /) -> Tool:
        """
        Raises:
            UnknownTool: there is none.
        """
        ...

    def tools(self) -> Iterator[Tool]:
        """
        Every one.
        """
        ...


def named(tool: Tool) -> tuple[str, str]:
    """
    Name and version of its fallback, the version empty for the newest; no name: it has none.
    """
    name, _, version = tool.fallback.partition("@")
    return name, version


def fault(tool: Tool, tools: Tools) -> str:
    """
    Why its fallback cannot stand in for it; empty if it has none, or it can.
    """
    name, version = named(tool)
    if not name:
        return ""
    try:
        other = tools.find(name, version)
    except CallRefused:
        return "there is no such tool"
    if effects.exceed(other.effects, tool.effects):
        return f"its effects are {other.effects}, those of the tool only {tool.effects}"
    return ""


def warn(tools: Tools) -> None:
    """
    Log each fallback that will never be used.
    """
    for tool in tools.tools():
        if why := fault(tool, tools):
            fields = {"tool": tool.name, "version": tool.version, "fallback": tool.fallback}
            _log.warning("a fallback cannot be used", extra={"fields": {**fields, "reason": why}})
