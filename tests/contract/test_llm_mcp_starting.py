"""
A bridge that would be open to strangers does not start.
"""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import httpx2
import mcp_bridge
import pytest
from certifying import Authority
from identities import ALICE, token
from mcp_posting import MODERN, body, post
from running_server import Server, start_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = ("--http", "0.0.0.0:0", "--behind-proxy", "--http-host", "127.0.0.1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server")) as one:
        yield one


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
    server: Server, tmp_path: Path, flags: list[str], said: str
) -> None:
    """
    With the exit code of a wrong command line, and what to do.
    """
    (tmp_path / "alice").write_text(ALICE)
    ended = refused(server, *(each.format(alice=tmp_path / "alice") for each in flags))

    assert (2, "") == (ended.returncode, ended.stdout), ended
    assert said in ended.stderr
    assert ALICE not in ended.stderr


def refused(server: Server, *flags: str) -> subprocess.CompletedProcess[str]:
    """
    What a bridge says that ends at once.
    """
    return subprocess.run(
        mcp_bridge.command(server.target, *flags),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_server_that_takes_any_token_is_not_put_on_a_network(server: Server) -> None:
    """
    Its bridge would be open to whoever reaches it.
    """
    ended = refused(server, *OPEN)

    assert (2, True) == (ended.returncode, "takes any token" in ended.stderr)


def test_on_a_network_nothing_goes_without_a_token(tmp_path: Path) -> None:
    """
    A server that asks who calls is served.
    """
    people = token("alice", ALICE, 'scopes = ["tools:*"]')
    with mcp_bridge.bridged(tmp_path, people, *OPEN) as one:
        url = one.url.replace("0.0.0.0", "127.0.0.1")
        answers = [post(url, body("tools/list"), bearer).status_code for bearer in ("", ALICE)]

    assert [401, 200] == answers


def test_an_operator_shares_an_identity_on_loopback(tmp_path: Path) -> None:
    """
    Because they said so: whoever is on this host then is that principal.
    """
    (tmp_path / "alice").write_text(ALICE)
    (tmp_path / "alice").chmod(0o600)
    people = token("alice", ALICE, 'scopes = ["tools:echo"]')
    flags = ("--share-identity", "--token-file", str(tmp_path / "alice"))
    with mcp_bridge.bridged(tmp_path, people, *flags) as one:
        listed = post(one.url, body("tools/list"), "").json()["result"]["tools"]

    assert ["echo"] == [each["name"] for each in listed]


def test_the_bridge_itself_speaks_tls(server: Server, tmp_path: Path) -> None:
    """
    For a bridge without a proxy in front of it.
    """
    authority = Authority(tmp_path)
    papers = authority.server()
    tls = ("--http-certificate", str(papers.certificate), "--http-key", str(papers.key))
    with mcp_bridge.over_http(server.target, *tls) as url:
        assert url.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(authority.ca))
        headers = {**MODERN, "Mcp-Method": "tools/list"}
        answer = httpx2.post(url, json=body("tools/list"), headers=headers, verify=trusted)

    assert 200 == answer.status_code
