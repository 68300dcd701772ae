"""
The asynchronous stream whose connection breaks is taken up again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest
from toolcell_client import AsyncClient, ConnectionLost
from toolcell_client.testing import HOLD, completed, stderr, stdout

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from toolcell_client.testing import FakeServer, Relay

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))
EVENTS = 6
STEPS = (HOLD, stdout(b"1"), HOLD, stdout(b"2"), HOLD, completed(2))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


@pytest.mark.parametrize("position", range(EVENTS))
def test_a_stream_dropped_at_any_event_loses_and_doubles_nothing(
    server: FakeServer, position: int
) -> None:
    """
    As the synchronous twin, for every position.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", position)

    async def scenario() -> list[int]:
        async with AsyncClient(server.target) as client:
            return [event.sequence async for event in client.execute("echo")]

    assert run(scenario()) == list(range(1, EVENTS + 1))
    assert (len(server.requests), len(server.executions)) == (1, 1)


def test_a_reset_of_the_connection_loses_and_doubles_nothing(
    server: FakeServer, relay: Relay
) -> None:
    """
    A real TCP reset after every single event.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> tuple[list[int], Any]:
        async with AsyncClient(relay.target) as client, client.execute("steps") as stream:
            sequences = []
            async for event in stream:
                sequences.append(event.sequence)
                relay.cut()
                server.release("steps")
            return sequences, (await stream.result()).value

    assert run(scenario()) == ([1, 2, 3, 4, 5], 2)
    assert len(server.executions) == 1


def test_a_run_whose_connection_breaks_is_followed_to_its_end(
    server: FakeServer, relay: Relay
) -> None:
    """
    `Run` tells no execution id before its end; the request_id finds it.
    """
    server.tool("steps", HOLD, completed("done"))

    async def scenario() -> Any:
        async with AsyncClient(relay.target) as client:
            running = asyncio.create_task(client.run("steps"))
            await asyncio.to_thread(server.wait_for, lambda: bool(server.executions))
            relay.cut()
            await asyncio.to_thread(server.wait_for, lambda: bool(server.watches))
            server.release("steps")
            return (await running).value

    assert run(scenario()) == "done"
    assert len(server.executions) == 1


def test_events_that_come_twice_are_given_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server may replay more than it was asked for.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", 3)

    async def scenario() -> list[int]:
        async with AsyncClient(server.target) as client:
            watch = client._connection.watch
            monkeypatch.setattr(
                client._connection, "watch", lambda e, _, deadline: watch(e, 0, deadline)
            )
            return [event.sequence async for event in client.execute("echo")]

    assert run(scenario()) == list(range(1, EVENTS + 1))


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    ],
    ids=lambda code: code.name,
)
def test_a_status_made_by_the_transport_is_never_a_cancelled_task(
    server: FakeServer, code: grpc.StatusCode
) -> None:
    """
    grpc.aio turns a proxy's CANCELLED into CancelledError, which would end the caller's task.
    """
    server.tool("echo", *SCRIPT)
    server.refuse("echo", code, times=2)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            with pytest.raises(ConnectionLost):
                await client.run("echo")
            with pytest.raises(ConnectionLost):
                await client.execute("echo").result()

    run(scenario())

    assert server.executions == {}
