"""
Clients that send slowly, or nothing: each is given up, and nothing of theirs is kept.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.responses import Response
from toolcell_client.mcp_server import connections
from toolcell_client.mcp_server.bodies import MAXIMUM_BODY_BYTES, body_of, replayed
from toolcell_client.mcp_server.connections import ImpatientProtocol

if TYPE_CHECKING:
    from collections.abc import Callable


def gives(*messages: dict[str, Any]) -> Callable[[], Any]:
    """
    What an ASGI server gives an application; then nothing more.
    """
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.Event().wait()

    return receive


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_comes_in_parts_and_is_read_again() -> None:
    async def scenario() -> None:
        receive = gives(part(b"a"), part(b"b", more=False), {"type": "http.disconnect"})
        body = await body_of(receive)
        assert b"ab" == body
        again = replayed(body, receive)
        assert part(b"ab", more=False) == await again()
        assert {"type": "http.disconnect"} == await again()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([part(b"a")], 408),
        ([part(b"a" * MAXIMUM_BODY_BYTES), part(b"b")], 413),
        ([part(b"a"), {"type": "http.disconnect"}], None),
    ],
    ids=["half", "too much", "left"],
)
def test_a_body_that_is_none(messages: list[dict[str, Any]], status: int | None) -> None:
    found = asyncio.run(body_of(gives(*messages), 0.01))

    assert status == (found.status_code if isinstance(found, Response) else found)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"])
def test_a_connection_that_never_asks_is_closed(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """
    Before the first request, or between two; one that is being answered stays.
    """
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)

    answer = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/long":
                await answer.wait()
            await Response("here")(scope, receive, send)

    async def scenario() -> None:
        configuration = uvicorn.Config(app, http=ImpatientProtocol, log_config=None, lifespan="off")
        server = uvicorn.Server(configuration)
        configuration.load()
        server.lifespan = configuration.lifespan_class(configuration)
        listener = await asyncio.get_running_loop().create_server(
            lambda: ImpatientProtocol(configuration, server.server_state, {}), "127.0.0.1", 0
        )
        place = listener.sockets[0].getsockname()
        async with asyncio.timeout(20), listener:
            long_reader, long_writer = await asyncio.open_connection(*place)
            long_writer.write(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
            reader, writer = await asyncio.open_connection(*place)
            writer.write(sent)
            whole = await reader.read()  # to the end: it was closed
            assert whole.count(b"200 OK") == sent.count(b"\r\n\r\n")
            answer.set()
            assert b"here" in await long_reader.readuntil(b"here")
            writer.close()
            long_writer.close()

    asyncio.run(scenario())
