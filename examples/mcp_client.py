"""
The official MCP client, with `toolcell mcp` as its server over standard input and output.

    pip install 'toolcell[mcp]'
    python examples/mcp_client.py
"""

from __future__ import annotations

import asyncio
import os
import sys

import offline
from mcp import Client, StdioServerParameters

# What a client's settings would call `toolcell mcp`; the target is passed on.
BRIDGE = StdioServerParameters(
    command=sys.executable,
    args=["-m", "toolcell_client.cli", "mcp"],
    env={name: value for name, value in os.environ.items() if name.startswith("TOOLCELL_")},
)


async def talk() -> None:
    async with Client(BRIDGE) as client:
        listed = await client.list_tools()
        print("tools:", ", ".join(each.name for each in listed.tools))
        result = await client.call_tool("calculate", {"expression": "19 * 23"})
        assert result.structured_content is not None
        print("calculate:", result.structured_content["value"])
        failed = await client.call_tool("calculate", {"expression": "1 / 0"})
        print("an error is a result:", failed.is_error)


def main() -> None:
    asyncio.run(talk())


if __name__ == "__main__":
    offline.run(main)
