"""
Several principals, and strangers, at one bridge over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx2
import mcp_bridge
import mcp_types as types
import pytest
from identities import ALICE, BOB, token
from mcp_bridge import MODES, NEWEST, Bridged, MCPError, client_of
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN = {**JSON, "MCP-Protocol-Version": NEWEST}
ENVELOPE = {types.PROTOCOL_VERSION_META_KEY: NEWEST, types.CLIENT_CAPABILITIES_META_KEY: {}}
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


def body(method: str, params: Any = None, **more: Any) -> dict[str, Any]:
    whole = {"_meta": ENVELOPE, **(params or {})}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": whole, **more}


def post(url: str, content: Any, bearer: str = ALICE, **headers: str) -> httpx2.Response:
    sent = {**MODERN, "Authorization": f"Bearer {bearer}", **headers}
    if isinstance(content, dict):
        sent.setdefault("Mcp-Method", str(content.get("method")))
        if "Mcp-Name" not in sent and "name" in content.get("params", {}):
            sent["Mcp-Name"] = content["params"]["name"]
        content = json.dumps(content)
    sent = {name: value for name, value in sent.items() if value}
    return httpx2.post(url, content=content, headers=sent, timeout=30)


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


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--http", "0.0.0.0:0"], "--http-certificate"),
        (["--http", "0.0.0.0:0", "--behind-proxy"], "--http-host NAME"),
        (["--http", "8000"], "write HOST:PORT"),
        (["--http", "127.0.0.1:0", "--http-key", "x"], "go together"),
        (["--http", "127.0.0.1:0", "--token-file", "{alice}"], "--share-identity"),
        (["--http", "192.0.2.1:0", "--share-identity"], "leave out --share-identity"),
        (["--http", "192.0.2.1:0", "--behind-proxy"], "cannot serve"),
        (
            ["--http", "127.0.0.1:0", "--http-certificate", "/nowhere", "--http-key", "/nowhere"],
            "cannot serve",
        ),
    ],
    ids=lambda value: " ".join(value)[-50:] if isinstance(value, list) else "",
)
def test_what_would_not_be_safe_does_not_start(
    bridged: Bridged, flags: list[str], said: str
) -> None:
    """
    With the exit code of a wrong command line, and what to do.
    """
    (bridged.folder / "alice").write_text(ALICE)
    filled = [each.format(alice=bridged.folder / "alice") for each in flags]
    ended = subprocess.run(
        mcp_bridge.command(bridged.target, *filled),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (2, "") == (ended.returncode, ended.stdout), ended
    assert said in ended.stderr
    assert ALICE not in ended.stderr


def test_a_server_that_takes_any_token_is_not_put_on_a_network(tmp_path: Any) -> None:
    """
    Its bridge would be open to whoever reaches it; one that asks is served.
    """
    flags = ("--http", "0.0.0.0:0", "--behind-proxy", "--http-host", "127.0.0.1")
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    with mcp_bridge.start_server(tmp_path / "open") as server:
        ended = subprocess.run(
            mcp_bridge.command(server.target, *flags),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (2, True) == (ended.returncode, "takes any token" in ended.stderr)
    people = token("alice", ALICE, 'scopes = ["tools:*"]')
    with mcp_bridge.bridged(tmp_path / "closed", people, *flags) as one:
        url = one.url.replace("0.0.0.0", "127.0.0.1")
        answers = [post(url, body("tools/list"), Authorization=who).status_code
                   for who in ("", f"Bearer {ALICE}")]  # fmt: skip
    assert [401, 200] == answers
