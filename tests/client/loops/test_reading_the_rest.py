"""
What was cut is read with no more than the loop that a newcomer writes.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client import AsyncClient, Client
from toolcell_client.formats.providers import PROVIDERS
from toolcell_client.loops.kept import READ_RESULT, KeptResults
from toolcell_client.testing import completed
from turning import chat

if TYPE_CHECKING:
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.testing import FakeServer

ROWS = [f"row {n}" for n in range(9000)]
CUT = chat(("a", "rows", {}))


def reading(done: TurnResult) -> dict[str, Any]:
    """
    What a model says that does as it is told.
    """
    shown = json.loads(done.messages[0]["content"])
    return chat(("b", "read_result", {"handle": shown["left_out"].split('"')[1], "path": "/4321"}))


def test_tools_once_and_then_a_loop_is_enough(server: FakeServer, client: Client) -> None:
    server.tool("rows", completed(ROWS))
    names = [each["function"]["name"] for each in client.tools_for("openai")]
    done = client.run_tool_calls("openai", CUT)
    read = client.run_tool_calls("openai", reading(done))
    assert names == ["read_result", "rows"]
    assert read.answers[0].value["text"] == "row 4321"
    assert [each.tool for each in server.requests] == ["rows"]


def test_the_same_within_an_event_loop(server: FakeServer) -> None:
    server.tool("rows", completed(ROWS))

    async def loop() -> str:
        async with AsyncClient(server.target) as client:
            assert len(await client.tools_for("openai")) == 2
            done = await client.run_tool_calls("openai", CUT)
            read = await client.run_tool_calls("openai", reading(done))
            text: str = read.answers[0].value["text"]
            return text

    assert asyncio.run(loop()) == "row 4321"


def test_a_handle_that_a_model_makes_up_reads_nothing(server: FakeServer, client: Client) -> None:
    server.tool("rows", completed(ROWS))
    made_up = chat(("a", "read_result", {"handle": "r-0123456789abcdef"}))
    assert client.run_tool_calls("openai", made_up).answers[0].value["error"] == "cannot_read"
    assert not server.requests


def test_a_store_of_ones_own_is_apart(server: FakeServer, client: Client) -> None:
    server.tool("rows", completed(ROWS))
    mine, yours = KeptResults(), KeptResults()
    asked = reading(client.run_tool_calls("openai", CUT, kept=mine))
    client.run_tool_calls("openai", CUT, kept=yours)
    other = client.run_tool_calls("openai", asked, kept=yours)
    assert other.answers[0].value["error"] == "cannot_read"
    assert client.run_tool_calls("openai", asked, kept=mine).answers[0].value["text"] == "row 4321"


def test_a_toolset_without_it_promises_nothing(server: FakeServer, client: Client) -> None:
    server.tool("rows", completed(ROWS))
    done = client.run_tool_calls("openai", CUT, toolset=client.toolset())
    assert "not kept" in done.messages[0]["content"]
    done = client.run_tool_calls("openai", CUT, toolset=client.toolset(extra=[READ_RESULT]))
    assert "read_result" in done.messages[0]["content"]


def test_a_tool_of_the_servers_with_that_name_is_the_servers(
    server: FakeServer, client: Client
) -> None:
    server.tool("rows", completed(ROWS))
    server.tool("read_result", completed("the server's"))
    assert len(client.tools_for("openai")) == 2
    done = client.run_tool_calls("openai", CUT, kept=KeptResults())
    assert "not kept" in done.messages[0]["content"]
    called = client.run_tool_calls("openai", chat(("b", "read_result", {})))
    assert called.messages[0]["content"] == "the server's"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_can_be_offered_it(
    server: FakeServer, client: Client, provider: str
) -> None:
    server.tool("rows", completed(ROWS))
    with_it = client.tools_for(provider, strict="where_possible")
    without = client.tools_for(provider, strict="where_possible", read_result=False)
    assert READ_RESULT.name in json.dumps(with_it)
    assert READ_RESULT.name not in json.dumps(without)
