"""
Several principals, and strangers, at one bridge over HTTP.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx2
import mcp_bridge
import pytest
from identities import ALICE, BOB, token
from mcp import MCPError
from mcp_bridge import MODES, Bridged, client_of
from mcp_posting import JSON, MODERN, body, post
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

STRANGER = "tc_stranger-0123456789abcdefghijklmnopqrstu"
INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    people = token("alice", ALICE, 'scopes = ["tools:echo", "tools:double"]')
    people += token("bob", BOB, 'scopes = ["tools:echo", "tools:calculate"]')
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged"), people) as one:
        yield one


@pytest.mark.parametrize("mode", MODES)
def test_each_principal_sees_and_calls_its_own_tools(bridged: Bridged, mode: str) -> None:
    """
    The same bridge, at the same moment.
    """

    async def scenario() -> None:
        async with (
            asyncio.timeout(60),
            client_of(bridged.url, mode, ALICE) as alice,
            client_of(bridged.url, mode, BOB) as bob,
        ):
            for client, other, names in (
                (alice, "calculate", ["double", "echo"]),
                (bob, "double", ["calculate", "echo"]),
            ):
                assert names == [each.name for each in (await client.list_tools()).tools]
                with pytest.raises(MCPError, match="Unknown tool"):
                    await client.call_tool(other, {"number": 1, "expression": "1"})
            await alice.call_tool("double", {"number": 4})

    asyncio.run(scenario())
    with Client(bridged.target, token=ALICE) as client:
        assert {"alice"} == {each.principal for each in client.list_executions()}


def test_without_a_good_token_there_is_nothing(bridged: Bridged) -> None:
    """
    401 and how to do better; a token that is none, a stranger's, two, or no bearer's at all.
    """
    listing = body("tools/list")
    for value in (f"Bearer {STRANGER}", "Bearer", "Bearer a b", "Basic YTpi", "Bearer \x7f"):
        answer = post(bridged.url, listing, Authorization=value)
        assert 401 == answer.status_code, value
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="toolcell"')
        assert STRANGER not in answer.text
    twice = [*MODERN.items(), ("Authorization", f"Bearer {ALICE}"), ("Authorization", "Bearer x")]
    assert 401 == httpx2.post(bridged.url, json=listing, headers=twice).status_code
    # Without any the toolcell server is asked as nobody, and it has nothing for nobody.
    assert "result" not in post(bridged.url, listing, Authorization="").json()
    assert "result" in post(bridged.url, listing).json()


def test_a_session_is_worth_nothing_to_another_principal(bridged: Bridged) -> None:
    """
    In the eras that have sessions: its id is no credential.
    """
    first = {**JSON, "Authorization": f"Bearer {ALICE}"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    opened = httpx2.post(bridged.url, json=message, headers=first)
    session = opened.headers["mcp-session-id"]
    listing = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    told = [
        httpx2.post(
            bridged.url, json=listing, headers={**first, **headers, "Mcp-Session-Id": session}
        ).status_code
        for headers in ({}, {"Authorization": f"Bearer {BOB}"}, {"Authorization": ""})
    ]

    assert [200, 404] == told[:2]
    assert told[2] in (401, 404)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Origin", "https://evil.example", 403),
        ("Origin", "http://localhost.evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://localhost:5173", 200),
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example", 421),
        ("Content-Type", "text/plain", 400),
        ("Accept", "text/html", 406),
        ("Mcp-Method", "tools/call", 400),
        ("MCP-Protocol-Version", "2031-01-01", 400),
    ],
)
def test_headers_that_do_not_fit_are_refused(
    bridged: Bridged, header: str, value: str, status: int
) -> None:
    """
    A web page that found the port, another name for this host, a body that says something else.
    """
    assert status == post(bridged.url, body("tools/list"), **{header: value}).status_code


def test_a_web_page_does_not_even_learn_whether_a_token_is_good(bridged: Bridged) -> None:
    """
    Origin and Host are judged first.
    """
    for bearer in (ALICE, STRANGER):
        answer = post(bridged.url, body("tools/list"), bearer, Origin="https://evil.example")
        assert 403 == answer.status_code


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'"\xff"', 400),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "tools/list"}', 400),
        (b'{"jsonrpc": "2.0", "id": 1}', 400),
        (b"1" * 5000, 400),
        (b" " * (4 * 2**20 + 1), 413),
    ],
    ids=["nothing", "half", "a batch", "deep", "no UTF-8", "an id", "no method", "long", "huge"],
)
def test_garbage_is_refused_and_the_next_is_served(
    bridged: Bridged, content: bytes, status: int
) -> None:
    """
    Nothing of it brings the bridge down, or reaches the toolcell server.
    """
    assert status == post(bridged.url, content).status_code
    assert 200 == post(bridged.url, body("tools/list")).status_code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"value": "\\ud800"}', "surrogates not allowed"),
        ('{"value": 1e999}', "Out of range"),
        ('{"value": NaN}', "Out of range"),
        (f'{{"value": {"[" * 300}{"]" * 300}}}', "deep"),
    ],
    ids=["half a letter", "an infinite number", "no number", "deep"],
)
def test_arguments_that_are_no_json_are_answered_to_the_model(
    bridged: Bridged, arguments: str, said: str
) -> None:
    """
    Nothing ran, and the model can do better.
    """
    whole = json.dumps(body("tools/call", {"name": "echo", "arguments": {"here": 1}}))
    text = whole.replace('{"here": 1}', arguments)
    headers = {"Mcp-Method": "tools/call", "Mcp-Name": "echo"}
    answer = post(bridged.url, text.encode(), **headers).json()

    assert answer["result"]["isError"]
    assert said in json.dumps(answer)
