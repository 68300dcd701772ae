"""
Standard input and output, with a client that is not kind; and a bridge that is told to end.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from mcp import MCPError
from mcp_bridge import MODES, Bridged, client_of, over_stdio
from mcp_posting import body, post
from toolcell_client import Client
from toolcell_worker.mcp.contents import value_of
from toolcell_worker.mcp.conversation import Conversation
from toolcell_worker.mcp.listing import tools_of
from toolcell_worker.mcp.pipe import Pipe
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PRINTING = """
import sys
from toolcell_client.mcp_server import bridge
listed = bridge.Bridge.list_tools
async def printing(self, *arguments):
    print("a stray word")
    return await listed(self, *arguments)
bridge.Bridge.list_tools = printing
from toolcell_client.cli.program import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged")) as one:
        yield one


def spoken(command: list[str], lines: list[bytes]) -> tuple[int, list[Any], str]:
    """
    Say all lines and hear the answers: as many as there are requests, told by their ids.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    process.stdin.flush()
    heard: list[Any] = []
    while not heard or heard[-1].get("id") != "last":
        heard.append(json.loads(process.stdout.readline()))
    rest, errors = process.communicate(timeout=30)
    assert rest == b""
    return process.returncode, heard, errors.decode()


def line(method: str, params: Any = None, number: Any = "last") -> bytes:
    return json.dumps({**body(method, params), "id": number}).encode()


def test_garbage_is_passed_over_and_the_next_is_served(bridged: Bridged) -> None:
    """
    Whatever comes down the pipe; the answers are lines of JSON and nothing else.
    """
    garbage = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'"' + b"x" * 5_000_000 + b'"',
        b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}',
        b'{"jsonrpc":"2.0","method":"notifications/made_up"}',
    ]
    first = line("tools/list", number="first")
    unknown = line("made/up", number=2)
    code, heard, errors = spoken(
        mcp_bridge.command(bridged.target),
        [
            *garbage,
            first,
            *garbage,
            unknown,
            line("tools/call", {"name": 5}, 3),
            line("tools/list"),
        ],
    )

    answers = {each["id"]: each for each in heard if "id" in each}
    assert (0, False) == (code, "Traceback" in errors)
    assert answers["first"]["result"]["tools"] == answers["last"]["result"]["tools"]
    assert types.METHOD_NOT_FOUND == answers[2]["error"]["code"]
    assert types.INVALID_PARAMS == answers[3]["error"]["code"]


def test_a_stray_print_does_not_reach_the_client(bridged: Bridged) -> None:
    """
    One word between two messages would end the connection of a strict client.
    """
    command = [sys.executable, "-c", PRINTING, *mcp_bridge.command(bridged.target)[3:]]
    code, heard, errors = spoken(command, [line("tools/list")])

    assert (0, "a stray word\n") == (code, errors)
    assert heard[-1]["result"]["tools"]


@pytest.mark.parametrize("mode", MODES)
def test_without_a_server_the_client_is_told_so(mode: str) -> None:
    """
    And goes on: the server may come back.
    """

    async def scenario() -> None:
        place = over_stdio("127.0.0.1:1")
        async with asyncio.timeout(90), client_of(place, mode) as client:
            for _ in range(2):
                with pytest.raises(MCPError, match=r"127\.0\.0\.1:1") as error:
                    await client.list_tools()
                assert types.INTERNAL_ERROR == error.value.code

    asyncio.run(scenario())


def test_a_bridge_that_ends_cancels_what_runs(bridged: Bridged) -> None:
    """
    Over HTTP too, and within seconds, though a call would take longer.
    """

    def call(url: str) -> None:
        post(url, body("tools/call", {"name": "stay", "arguments": {}}))

    with Client(bridged.target) as client:
        with mcp_bridge.over_http(bridged.target) as url:
            calling = threading.Thread(target=call, args=(url,), daemon=True)
            calling.start()
            wait_until(lambda: len(list(client.list_executions(state="running"))) == 1)
            [execution] = client.list_executions(state="running")
        wait_until(lambda: not list(client.list_executions(state="running")))
        ended = client.get_execution(execution.execution_id)
    calling.join(30)

    assert "cancelled" == ended.outcome.WhichOneof("kind")


def test_our_own_client_of_mcp_understands_the_bridge(bridged: Bridged) -> None:
    """
    What another toolcell would run in a cell (docs/registry/mcp.md), here without the cell.
    """
    with Pipe(mcp_bridge.command(bridged.target), 2**20) as pipe:
        conversation = Conversation(pipe, lambda *_: None)
        conversation.begin()
        listed = {each["name"]: each for each in tools_of(conversation)}
        params = {"name": "double", "arguments": {"number": 21}}
        called = conversation.request("tools/call", params)

    assert {"calculate", "double"} <= set(listed)
    assert {"result": 42} == value_of(called, structured="outputSchema" in listed["double"])
