"""
Two tools that stand for all: for registries that no model can read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from mcp import MCPError
from mcp_bridge import Bridged, client_of, eras, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    folder = tmp_path_factory.mktemp("bridged")
    with mcp_bridge.bridged(folder, "", "--search", "--tool", "[cdm]*") as one:
        yield one


@eras()
def test_a_model_finds_a_tool_and_calls_it(bridged: Bridged, transport: str, mode: str) -> None:
    """
    With the schema that it needs, and a person's yes where one is needed.
    """

    async def yes(_: Any, __: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"confirm": True})

    async def scenario() -> None:
        place = bridged.place(transport, "--search", "--tool", "[cdm]*")
        async with (
            asyncio.timeout(60),
            client_of(place, mode, elicitation_callback=yes) as client,
        ):
            assert ["find_tools", "call_tool"] == [
                t.name for t in (await client.list_tools()).tools
            ]
            found = await client.call_tool("find_tools", {"query": "calculate an expression"})
            best = found.structured_content["tools"][0]
            assert ("calculate", ["expression"]) == (best["name"], best["parameters"]["required"])
            inner = {"name": "calculate", "arguments": {"expression": "6 * 7"}}
            called = await client.call_tool("call_tool", inner)
            assert 42 == called.structured_content["value"]
            mail = {"name": "mail", "arguments": {"to": "eve"}}
            assert "sent to eve" == text_of(await client.call_tool("call_tool", mail))

    asyncio.run(scenario())


def test_what_is_not_offered_is_neither_found_nor_called(bridged: Bridged) -> None:
    """
    And what is malformed is answered to the model.
    """

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.url, "auto") as client:
            found = await client.call_tool("find_tools", {"query": "read a file", "most": 20})
            names = {each["name"] for each in found.structured_content["tools"]}
            assert all(name[0] in "cdm" for name in names)
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool("call_tool", {"name": "read_file"})
            for name, arguments in (
                ("find_tools", {}),
                ("find_tools", {"query": 5}),
                ("find_tools", {"query": "x", "most": 1000}),
                ("find_tools", {"query": ""}),
                ("call_tool", {}),
                ("call_tool", {"name": "double", "arguments": [1]}),
            ):
                assert (await client.call_tool(name, arguments)).is_error

    asyncio.run(scenario())
