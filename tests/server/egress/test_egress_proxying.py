"""
What a proxy answers to heads that it does not decide about, over real sockets.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

import pytest
from toolcell_server.egress import proxying
from toolcell_server.egress.attached import Attached
from toolcell_server.egress.budget import Budget
from toolcell_server.egress.proxying import CellProxy
from toolcell_server.egress.rules import Rule

if TYPE_CHECKING:
    from toolcell_server.egress.outside import Outside

TOKEN = "0" * 32
Told = list[dict[str, Any]]


async def asked(data: bytes, *, ends: bool = False) -> tuple[bytes, Told, Budget]:
    """
    What a client hears that says this, what is told of it, and what is left of the budget.
    """
    told: Told = []
    budget = Budget(9, 99, 99)
    cell = Attached(1, [Rule.parse("a.example:443")], [], budget, told.append)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    proxy = CellProxy(cell, cast("Outside", None), listener, TOKEN)  # nobody is dialled
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    if ends:
        writer.write_eof()
    heard = await reader.read()
    writer.close()
    await proxy.aclose()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    return heard, told, budget


HEADS = {
    "no HTTP": (b"\x16\x03\x01", b"400", "malformed"),
    "a bare line feed": (b"CONNECT a.example:443 HTTP/1.0\n\n", b"400", "malformed"),
    "too long": (b"CONNECT " + b"a" * 9000, b"400", "malformed"),
    "no token": (b"CONNECT a.example:443 HTTP/1.0\r\n\r\n", b"407", "unauthorised"),
    "no token and nothing granted": (b"GET / HTTP/1.0\r\n\r\n", b"407", "unauthorised"),
}


@pytest.mark.parametrize(("data", "status", "reason"), HEADS.values(), ids=HEADS)
def test_what_is_not_decided_about_is_answered_told_and_not_counted(
    data: bytes, status: bytes, reason: str
) -> None:
    """
    Whoever has no token must not spend what a cell may use.
    """
    heard, told, budget = asyncio.run(asked(data))

    assert heard.startswith(b"HTTP/1.1 " + status)
    assert f"x-toolcell-reason: {reason}".encode() in heard
    assert (b"proxy-authenticate: Basic" in heard) is (status == b"407")
    assert [
        {"denied": {"operation": "connect", "target": "", "reason": reason, "reported_only": False}}
    ] == told
    assert 9 == budget.connections


def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A connection that says nothing is one of those that there may be at once.
    """
    monkeypatch.setattr(proxying, "HEAD_SECONDS", 0.1)
    heard, told, _ = asyncio.run(asked(b"CONNECT a.example:443 HT"))

    assert heard.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert ["too_slow"] == [each["denied"]["reason"] for each in told]


def test_a_client_that_breaks_off_is_nothing_to_tell() -> None:
    heard, told, budget = asyncio.run(asked(b"CONNECT a.exa", ends=True))

    assert (b"", [], 9) == (heard, told, budget.connections)


def test_the_same_denial_is_told_once_and_each_is_answered() -> None:
    """
    A stranger must not fill a log.
    """

    async def scenario() -> tuple[list[bytes], Told]:
        told: Told = []
        cell = Attached(1, [], [], Budget(1, 1, 1), told.append)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        proxy = CellProxy(cell, cast("Outside", None), listener, TOKEN)
        heard = []
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            heard.append((await reader.read())[9:12])
            writer.close()
        await proxy.aclose()
        return heard, told

    heard, told = asyncio.run(scenario())
    assert ([b"407"] * 5, 1) == (heard, len(told))
