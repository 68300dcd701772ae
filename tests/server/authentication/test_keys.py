"""
Keys at an address: rotation, floods, and servers that misbehave.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest
from certifying import Authority
from clocks import Clock
from cryptography import x509
from issuing import Key, key_server, key_set
from toolcell_server.authentication import fetching
from toolcell_server.authentication.fetching import NotFetched, fetch
from toolcell_server.authentication.keys import KeysAtUrl
from toolcell_server.settings import JwtSettings

if TYPE_CHECKING:
    from pathlib import Path

    from issuing import Endpoint

OLD, NEW = Key("old"), Key("new")


async def started(url: str, clock: Clock, told: list[bool]) -> KeysAtUrl:
    settings = JwtSettings(issuer="i", audience=("a",), jwks_url=url)
    keys = KeysAtUrl(settings, told.append, clock)
    await keys.start()
    return keys


def test_an_unknown_key_is_fetched_once_for_all_who_wait_and_then_not_for_ten_seconds() -> None:
    """
    Anybody can make up a kid; the issuer must not hear of each.
    """

    async def scenario(issuer: Endpoint) -> None:
        clock = Clock()
        keys = await started(issuer.url, clock, [])
        assert await keys.find("new", "ES256") is None
        assert issuer.asked == 1
        issuer.body = key_set(OLD, NEW)
        clock.now += 10
        before = keys.generation()
        found = await asyncio.gather(*(keys.find("new", "ES256") for _ in range(50)))
        assert all(found)
        assert before is not keys.generation()
        await asyncio.gather(*(keys.find(f"made up {n}", "ES256") for n in range(50)))
        assert issuer.asked == 2
        await keys.aclose()

    with key_server(key_set(OLD)) as issuer:
        asyncio.run(scenario(issuer))


def test_a_key_that_was_taken_back_goes_without_anybody_asking_for_another() -> None:
    """
    The set is fetched again beside the calls, which do not wait for it.
    """

    async def scenario(issuer: Endpoint) -> None:
        clock = Clock()
        keys = await started(issuer.url, clock, [])
        issuer.body = key_set(NEW)
        clock.now += 300
        keys.generation()
        assert keys._fetching
        await asyncio.wait([keys._fetching])
        assert await keys.find("old", "ES256") is None
        await keys.aclose()

    with key_server(key_set(OLD)) as issuer:
        asyncio.run(scenario(issuer))


@pytest.mark.parametrize("broken", ["status", "page", "redirect", "size", "gone"])
def test_what_cannot_be_fetched_keeps_the_last_good_set_and_says_so_once(
    broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    An issuer that is down must not lock everybody out, nor a captive portal let anybody in.
    """

    async def scenario(issuer: Endpoint) -> None:
        clock, told = Clock(), list[bool]()
        keys = await started(issuer.url, clock, told)
        misbehave(issuer, broken)
        for _ in range(3):
            clock.now += 10
            assert await keys.find("new", "ES256") is None
        assert await keys.find("old", "ES256") is not None
        assert [False, True, True, True] == told
        issuer.status, issuer.headers, issuer.body = 200, {}, key_set(OLD, NEW)
        await keys.aclose()

    with caplog.at_level(logging.ERROR), key_server(key_set(OLD)) as issuer:
        asyncio.run(scenario(issuer))

    assert ["kept the last good key set"] == [record.message for record in caplog.records]


def misbehave(issuer: Endpoint, how: str) -> None:
    match how:
        case "status":
            issuer.status = 503
        case "page":
            issuer.body = b"<html>log in</html>"
        case "redirect":
            issuer.status, issuer.headers = 302, {"Location": "http://127.0.0.1:1/"}
        case "size":
            issuer.body = b" " * (fetching.MAXIMUM_BYTES + 1) + issuer.body
        case "gone":
            issuer.status, issuer.headers = 200, {"Content-Length": "9999"}


def test_one_who_leaves_does_not_end_the_fetch_of_the_others() -> None:
    """
    A caller whose deadline is short must not cost the next one.
    """

    async def scenario(issuer: Endpoint) -> None:
        clock = Clock()
        keys = await started(issuer.url, clock, [])
        issuer.body = key_set(NEW)
        clock.now += 10
        hasty = asyncio.create_task(keys.find("new", "ES256"))
        await asyncio.sleep(0)
        patient = asyncio.create_task(keys.find("new", "ES256"))
        await asyncio.sleep(0)
        hasty.cancel()
        assert await patient is not None
        await keys.aclose()

    with key_server(key_set(OLD)) as issuer:
        asyncio.run(scenario(issuer))


def test_a_server_that_drips_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A time for each read would let it drip for ever.
    """
    monkeypatch.setattr(fetching, "SECONDS", 0.3)

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            writer.transport.abort()

    async def scenario() -> None:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(NotFetched, match="within"):
                await fetch(f"http://127.0.0.1:{port}/", None)

    asyncio.run(scenario())


def test_over_tls_the_authority_and_the_name_are_checked(tmp_path: Path) -> None:
    """
    Whoever stands in between could hand us his own keys.
    """
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "theirs")
    elsewhere = ours.sign("elsewhere", [x509.DNSName("elsewhere.example")])

    async def fetched(url: str, authority: Authority) -> KeysAtUrl:
        settings = JwtSettings(issuer="i", audience=("a",), jwks_url=url, ca_file=str(authority.ca))
        keys = KeysAtUrl(settings)
        await keys.start()
        return keys

    with key_server(key_set(OLD), ours.server()) as issuer:
        keys = asyncio.run(fetched(issuer.url, ours))
        assert keys._set.find("old", "ES256") is not None
        with pytest.raises(NotFetched, match="certificate verify failed"):
            asyncio.run(fetched(issuer.url, theirs))
    with (
        key_server(key_set(OLD), elsewhere) as issuer,
        pytest.raises(NotFetched, match="certificate verify failed"),
    ):
        asyncio.run(fetched(issuer.url, ours))


def test_nobody_there_is_said() -> None:
    """
    The text goes into the error at start.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def scenario() -> Any:
        return await fetch(f"http://127.0.0.1:{port}/", None)

    with pytest.raises(NotFetched, match=r"[a-z]"):
        asyncio.run(scenario())
