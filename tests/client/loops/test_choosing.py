"""
Which tools are offered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import registry_pb2
from toolcell_client import AsyncClient, Client
from toolcell_client.loops.choosing import Listed, NoSuchTools
from toolcell_client.loops.extracting import extraction_tool
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

AVAILABLE = registry_pb2.TOOL_STATE_AVAILABLE
BROKEN = registry_pb2.TOOL_STATE_BROKEN


def listed() -> Listed:
    """
    By name, and newest version first, as a server lists them.
    """
    tools = Listed()
    for name, version, state, deprecated in (
        ("alone", "1", BROKEN, ""),
        ("both", "3", BROKEN, ""),
        ("both", "2", AVAILABLE, ""),
        ("both", "1", AVAILABLE, ""),
        ("old", "1", AVAILABLE, "use both"),
    ):
        tools.add(
            registry_pb2.Tool(
                name=name,
                version=version,
                state=state,
                deprecated=deprecated,
                parameters_json=b"{}",
            )
        )
    return tools


def test_the_newest_that_can_be_called_is_offered() -> None:
    assert [(each.name, each.version) for each in listed().chosen(())] == [("both", "2")]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bath", "no tool is called 'bath'; close: both"),
        ("xyz", "none that this principal may see"),
        ("old", "it is deprecated"),
        ("alone", "it is broken"),
    ],
)
def test_a_name_that_cannot_be_offered_is_an_error_that_says_why(name: str, complaint: str) -> None:
    with pytest.raises(NoSuchTools, match=complaint):
        listed().chosen(["both", name])


def test_both_clients_offer_tools(server: FakeServer, client: Client) -> None:
    for name in ("one", "two"):
        server.tool(name, completed(1))
    extra = [extraction_tool("person", {"type": "object"})]

    async def offered() -> list[Any]:
        async with AsyncClient(server.target) as other:
            return [
                (await other.toolset("two", extra=extra)).tools,
                await other.tools_for("anthropic", "one"),
            ]

    assert asyncio.run(offered()) == [
        client.toolset("two", extra=extra).tools,
        client.tools_for("anthropic", "one"),
    ]
    assert sorted(client.toolset().tools) == ["one", "two"]
    assert sorted(client.toolset("two", extra=extra).tools) == ["person", "two"]
    with pytest.raises(ValueError, match="two tools are called 'one'"):
        client.toolset(extra=[extraction_tool("one", {"type": "object"})])
