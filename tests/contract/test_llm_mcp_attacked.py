"""
What one client of the bridge could do to it, to its other clients, and to a browser's user.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_bridge
import mcp_types as types
import pytest
from identities import ALICE, BOB, token
from mcp_bridge import Bridged, client_of
from mcp_posting import JSON, MODERN, body, post
from toolcell_client import Client
from toolcell_client.mcp_server.open_sessions import MOST_OF_ONE
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}
MANIFEST = {"description": "Says.", "argv": ["/bin/echo", "hi"], "parameters": {"type": "object"}}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    scopes = 'scopes = ["tools:*", "toolcell:own_tools"]'
    settings = token("alice", ALICE, scopes) + token("bob", BOB, scopes)
    settings += "[registry]\nenabled = true\n"
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged"), settings) as one:
        yield one


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "localhost:80@evil.example", 421),
        ("Host", "127.0.0.1:1.evil.example", 421),
        ("Host", "localhost:", 421),
        ("Host", "[::1]:5", 200),
        ("Origin", "http://localhost:3000.evil.example", 403),
        ("Origin", "http://127.0.0.1:@evil.example", 403),
        ("Origin", "http://[::1]:5", 200),
    ],
)
def test_what_follows_a_colon_is_a_port(
    bridged: Bridged, header: str, value: str, status: int
) -> None:
    assert status == post(bridged.url, body("tools/list"), **{header: value}).status_code


def test_there_is_one_origin(bridged: Bridged) -> None:
    twice = [*MODERN.items(), ("Mcp-Method", "tools/list"), ("Authorization", f"Bearer {ALICE}")]
    twice += [("Origin", "http://localhost"), ("Origin", "https://evil.example")]

    assert 403 == httpx2.post(bridged.url, json=body("tools/list"), headers=twice).status_code


def test_one_principal_cannot_take_every_session(bridged: Bridged) -> None:
    """
    What it ended makes room again.
    """
    with httpx2.Client(timeout=30) as http:

        def opened(bearer: str) -> httpx2.Response:
            headers = {**JSON, "Authorization": f"Bearer {bearer}"}
            return http.post(bridged.url, json=INITIALIZE, headers=headers)

        sessions = [opened(BOB).headers["mcp-session-id"] for _ in range(MOST_OF_ONE)]
        assert (503, 200) == (opened(BOB).status_code, opened(ALICE).status_code)
        for each in sessions:
            ended = {**JSON, "Authorization": f"Bearer {BOB}", "Mcp-Session-Id": each}
            assert 200 == http.delete(bridged.url, headers=ended).status_code
        assert 200 == opened(BOB).status_code


def test_a_client_that_begins_often_is_told_once(bridged: Bridged) -> None:
    """
    Else each word of its would be kept, and a change told as many times.
    """
    heard: list[str] = []

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            heard.append("changed")

    async def scenario() -> None:
        with Client(bridged.target, token=ALICE) as owner:
            async with (
                asyncio.timeout(60),
                client_of(bridged.url, "legacy", ALICE, message_handler=hear) as client,
            ):
                for _ in range(20):
                    await client.session.send_notification(types.InitializedNotification())
                await client.list_tools()
                for count in range(1, 4):  # what was told of one change is before the next
                    owner.registry.register([{"name": f"m{count}", **MANIFEST}], scope="principal")
                    await until(lambda: len(heard) >= count, 15)  # noqa: B023  # waited for here
                assert 3 == len(heard)

    asyncio.run(scenario())
