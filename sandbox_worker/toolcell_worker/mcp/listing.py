"""
The tools that an MCP server offers, page by page, bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_worker.mcp.pipe import fault

if TYPE_CHECKING:
    from toolcell_worker.mcp.conversation import Conversation

MOST_TOOLS = 500
MOST_PAGES = 50
KEPT = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")


def tools_of(conversation: Conversation) -> list[dict[str, Any]]:
    """
    Of each tool what a manifest is made of.

    Raises:
        ToolError: there is no end of them, or the list is none.
    """
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        page = conversation.request("tools/list", cursor)
        tools = page.get("tools")
        if not isinstance(tools, list):
            raise fault(
                "the MCP server answered tools/list without a list of tools", "MCP_MALFORMED"
            )
        found += [
            {key: tool[key] for key in KEPT if key in tool}
            for tool in tools
            if isinstance(tool, dict)
        ]
        if len(found) > MOST_TOOLS:
            break
        following = page.get("nextCursor")
        if not isinstance(following, str) or not following:
            return found
        cursor = {"cursor": following}
    raise fault(
        f"the MCP server offers more than {MOST_TOOLS} tools, or pages without end", "MCP_TOO_LONG"
    )
