"""
Carries tools of MCP servers: each call starts the server anew, inside its cell.
"""

from __future__ import annotations

from typing import Any

import msgspec

from toolcell_worker import Context, tool
from toolcell_worker.mcp import contents, listing
from toolcell_worker.mcp.conversation import Conversation
from toolcell_worker.mcp.notices import Notices
from toolcell_worker.mcp.pipe import Pipe

ENVELOPE_BYTES = 2**20  # around a result: arguments that are repeated, texts that say it again


class Server(msgspec.Struct, kw_only=True):
    """
    A program and its arguments; `tool` is the name of its tool, or empty: what it offers is asked
    for.  `structured`: the tool declares a schema of its result.
    """

    argv: list[str]
    tool: str = ""
    structured: bool = False


@tool(profile="subprocess", effects="destructive", returns={})
def call_mcp(carried: Server, arguments: dict[str, Any], context: Context) -> Any:
    """
    Call a tool of a registered MCP server.

    Args:
        carried: Which server and tool.
        arguments: Its arguments.
    """
    longest = 2 * int(context.limits.get("result_bytes", 2**20)) + ENVELOPE_BYTES
    with Pipe(carried.argv, longest) as pipe:
        conversation = Conversation(pipe, Notices(context).told)
        conversation.begin()
        if not carried.tool:
            return {"tools": listing.tools_of(conversation)}
        asked = {"name": carried.tool, "arguments": arguments}
        result = conversation.request("tools/call", asked)
        return contents.value_of(result, structured=carried.structured)
