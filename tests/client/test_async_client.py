"""
The asynchronous twin: what is the same, and what belongs to the event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from toolcell_client import AsyncClient, ServerUnreachable, errors
from toolcell_client.testing import completed, stderr, stdout

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from toolcell_client.testing import FakeServer

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


def test_refusals_are_the_same_exceptions(server: FakeServer) -> None:
    """
    One `except` serves both clients.
    """

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            with pytest.raises(errors.UnknownTool):
                await client.run("nothing")
            with pytest.raises(errors.UnknownTool):
                await client.execute("nothing").result()
        async with AsyncClient("127.0.0.1:1", attempts=0) as client:
            with pytest.raises(ServerUnreachable):
                await client.run("nothing")

    run(scenario())


def test_a_client_belongs_to_its_event_loop(server: FakeServer) -> None:
    """
    A call over another loop's channel would never end.
    """
    server.tool("echo", *SCRIPT)
    client = AsyncClient(server.target)

    async def first() -> None:
        await client.run("echo")

    async def second() -> None:
        with pytest.raises(RuntimeError, match="belongs to another event loop"):
            await client.run("echo")

    run(first())
    run(second())


def test_many_streams_share_one_client(server: FakeServer) -> None:
    """
    Events never cross from one stream to another.
    """
    server.tool("echo", respond=lambda arguments: [stdout(arguments), completed()])

    async def one(client: AsyncClient, number: int) -> bytes:
        return (await client.execute("echo", {"n": number}).result()).stdout

    async def scenario() -> list[bytes]:
        async with AsyncClient(server.target) as client:
            return await asyncio.gather(*(one(client, number) for number in range(20)))

    assert run(scenario()) == [b'{"n":%d}' % number for number in range(20)]
