"""
On a host without namespaces a cell reaches what it was granted through its proxy.

The host is made poorer for real (`hosts.poorer`).  Oracles are outside of the cells: the sites, and
what the service says of its contacts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.errors import CallRefused

from egress.bed import GRANTED, PLAIN
from egress.credentials import SECRET
from egress.proxied import run_code

if TYPE_CHECKING:
    from egress.bed import Bed

CLIENTS = {
    "urllib": "result = urllib.request.urlopen({url!r}, timeout=10).read().decode()",
    "requests": "import requests\nresult = requests.get({url!r}, timeout=10).text",
    "httpx": "import httpx\nresult = httpx.get({url!r}, timeout=10).text",
    "aiohttp": """
import aiohttp, asyncio
async def get():
    async with aiohttp.ClientSession(trust_env=True) as session, session.get({url!r}) as answer:
        return await answer.text()
result = asyncio.run(get())
""",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "in plain HTTP"])
def test_a_client_that_heeds_the_variables_reaches_what_was_granted(
    proxied: Bed, client: str, secure: bool
) -> None:
    """
    By the name, with the certificate of the host: nothing is decrypted on the way.
    """
    proxied.plain.seen.clear()
    proxied.secure.seen.clear()
    host, url = (GRANTED, proxied.url("/page")) if secure else (PLAIN, proxied.plain_url("/page"))
    result = run_code(proxied, CLIENTS[client].format(url=url), url)

    assert "GET /page" == result.raise_for_outcome().value
    assert [(host, 1)] == [(each.host, each.connections) for each in result.contacts]
    assert result.contacts[0].received_bytes == result.usage.network_received_bytes > 0
    [(_, _, headers)] = (proxied.secure if secure else proxied.plain).seen
    assert [] == [name for name in headers if name.lower().startswith("proxy-")]


def test_the_built_in_tool_asks_the_proxy_for_a_url(proxied: Bed) -> None:
    result = proxied.client.run("http_request", {"url": proxied.plain_url("/json")})

    assert {"answer": [42, None]} == result.raise_for_outcome().value["body"]


def test_the_built_in_tool_asks_the_proxy_for_a_tunnel(proxied: Bed) -> None:
    """
    It trusts the authorities of this host alone: that it says so shows that it was there.
    """
    result = proxied.client.run("http_request", {"url": proxied.url("/json")})

    assert ("failed", "TLS_NOT_TRUSTED") == (result.label, result.outcome.failed.code)
    assert [GRANTED] == [each.host for each in result.contacts]


def test_several_requests_go_over_one_connection(proxied: Bed) -> None:
    """
    To the one host that there is; each is decided about.
    """
    url = proxied.plain_url("/again")
    before = proxied.plain.connections
    code = f"""
import requests
with requests.Session() as session:
    result = [session.get({url!r}, timeout=5).text for _ in range(3)]
"""
    result = run_code(proxied, code, url)

    assert ["GET /again"] * 3 == result.raise_for_outcome().value
    assert before + 1 == proxied.plain.connections


def test_a_session_speaks_to_two_hosts(proxied: Bed) -> None:
    """
    Clients take one connection to a proxy for whatever they ask it for.
    """
    proxied.names.zone["second.example.test"] = ("127.0.0.1",)
    urls = [proxied.plain_url("/one"), proxied.plain_url("/two", "second.example.test")]
    code = f"""
import requests
with requests.Session() as session:
    result = [session.get(url, timeout=5).text for url in {urls} * 2]
"""
    result = run_code(proxied, code, *urls)

    assert ["GET /one", "GET /two"] * 2 == result.raise_for_outcome().value
    assert [2, 2] == [each.connections for each in result.contacts]


def test_a_credential_is_added_behind_the_proxy_and_the_token_is_not(proxied: Bed) -> None:
    """
    The tool has the token, and never the key; the host has the key, and never the token.
    """
    proxied.secure.seen.clear()
    code = "result = urllib.request.urlopen('http://api.example.test/keyed').read().decode()"
    result = proxied.client.run("run_keyed", {"code": code})

    assert "GET /keyed" == result.raise_for_outcome().value
    [(_, _, headers)] = proxied.secure.seen
    assert f"Key {SECRET}" == headers["X-Api-Key"]
    assert [] == [name for name in headers if name.lower().startswith("proxy-")]


def test_a_raw_connection_goes_through_a_tunnel_as_it_is(proxied: Bed) -> None:
    """
    Nothing is looked at, so that the tool may speak what it likes; here it is TLS.
    """
    code = f"result = urllib.request.urlopen({proxied.url('/raw')!r}, timeout=10).read().decode()"
    result = proxied.client.run("run_raw", {"code": code})

    assert "GET /raw" == result.raise_for_outcome().value
    assert [GRANTED] == [each.host for each in result.contacts]


def test_the_report_says_what_holds_a_cell_to_its_proxy(proxied: Bed) -> None:
    """
    A port, not a host: in `started` and in `finished`, and whoever wants more is refused.
    """
    arguments = {"url": proxied.plain_url("/report")}
    events = list(proxied.client.execute("fetch", arguments))
    told = [
        getattr(e, k).isolation
        for e in events
        if (k := e.WhichOneof("event")) in ("started", "finished")
    ]
    with pytest.raises(CallRefused) as refused:
        proxied.client.run("fetch", arguments, minimum_isolation="strong")

    assert 2 == len(told)
    for report in told:
        [wall] = [each for each in report.walls if each.wall == pb.WALL_NETWORK]
        assert (pb.ISOLATION_LEVEL_BASIC, pb.WALL_STATUS_DEGRADED) == (report.level, wall.status)
        assert "held to its proxy by port, not by host" in wall.reason
        assert "user namespaces" in wall.remedy
    assert "ISOLATION_BELOW_FLOOR" == refused.value.reason
    assert "network" == refused.value.metadata["missing_wall"]
