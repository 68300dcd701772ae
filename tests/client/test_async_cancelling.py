"""
Whoever leaves an asynchronous call must not leave a tool running.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from toolcell_client import AsyncClient
from toolcell_client.testing import HOLD, completed, stdout
from toolcell_client.testing.execution import FakeExecution

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from toolcell.v1 import execution_pb2 as pb
    from toolcell_client import AsyncStream
    from toolcell_client.testing import FakeServer

STEPS = (HOLD, stdout(b"1"), HOLD, stdout(b"2"), HOLD, completed(2))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


async def _read_all(client: AsyncClient) -> Any:
    return await client.execute("steps").result()


async def _sequences(stream: AsyncStream) -> list[int]:
    return [event.sequence async for event in stream]


@pytest.mark.parametrize("reading", ["a stream", "a run"])
def test_cancelling_the_task_cancels_the_execution(server: FakeServer, reading: str) -> None:
    """
    An orchestrator that drops a task must not leave a tool running.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            work = client.run("steps") if reading == "a run" else _read_all(client)
            task = asyncio.create_task(work)
            await asyncio.to_thread(server.wait_for, lambda: bool(server.executions))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(scenario())

    assert server.cancels == list(server.executions)


def test_a_second_cancellation_does_not_stop_the_cancel(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Frameworks cancel more than once; `aclose` of the client waits for what is under way.
    """
    server.tool("steps", *STEPS)
    asked, go_on = threading.Event(), threading.Event()
    to_proto = FakeExecution.to_proto

    def slowly(execution: FakeExecution) -> pb.Execution:
        asked.set()
        assert go_on.wait(10)
        return to_proto(execution)

    # The look-up by request_id, after which the cancel still has to be sent.
    monkeypatch.setattr(FakeExecution, "to_proto", slowly)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            task = asyncio.create_task(client.run("steps"))
            await asyncio.to_thread(server.wait_for, lambda: bool(server.executions))
            task.cancel()
            assert await asyncio.to_thread(asked.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go_on.set()

    run(scenario())

    assert server.cancels == list(server.executions)


def test_a_timeout_around_a_read_cancels_the_execution(server: FakeServer) -> None:
    """
    `asyncio.timeout` is how asyncio code gives up.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.run("steps")

    run(scenario())

    assert server.cancels == list(server.executions)


def test_a_detached_execution_survives_its_task(server: FakeServer) -> None:
    """
    That is what detached means.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            task = asyncio.create_task(client.run("steps", detached=True))
            await asyncio.to_thread(server.wait_for, lambda: bool(server.executions))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(scenario())

    assert server.cancels == []


def test_closing_early_cancels_the_execution(server: FakeServer) -> None:
    """
    Whoever leaves the block leaves the tool.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> str:
        async with AsyncClient(server.target) as client:
            async with client.execute("steps") as stream:
                await anext(stream)
            return stream.execution_id

    assert [run(scenario())] == server.cancels


def test_closing_the_client_closes_its_streams(server: FakeServer) -> None:
    """
    A forgotten stream ends with the client.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> AsyncStream:
        async with AsyncClient(server.target) as client:
            stream = client.execute("steps")
            await anext(stream)
            return stream

    assert [run(scenario()).execution_id] == server.cancels


def test_closing_from_another_task_ends_the_reading(server: FakeServer) -> None:
    """
    grpc.aio raises CancelledError in the reader, whom nobody cancelled.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> list[int]:
        async with AsyncClient(server.target) as client:
            stream = client.execute("steps")
            first = await anext(stream)
            second = await anext(stream)
            reader = asyncio.create_task(_sequences(stream))
            await asyncio.sleep(0)
            await stream.aclose()
            return [first.sequence, second.sequence, *(await reader)]

    assert run(scenario()) == [1, 2]
    assert (server.cancels, server.watches) == (list(server.executions), [])


def test_cancelling_goes_on_to_the_ending(server: FakeServer) -> None:
    """
    Usage and partial output come with the ending, also of a cancelled execution.
    """
    server.tool("steps", HOLD)

    async def scenario() -> str:
        async with AsyncClient(server.target) as client:
            stream = client.execute("steps")
            await stream.cancel()
            return (await stream.result()).label

    assert run(scenario()) == "cancelled(requested)"


def test_a_stream_that_is_dropped_unread_warns(server: FakeServer) -> None:
    """
    Nobody can send a cancel from a finalizer, so the leak has to be seen.
    """
    server.tool("steps", *STEPS)

    async def scenario() -> None:
        async with AsyncClient(server.target) as client:
            stream = client.execute("steps")
            await anext(stream)
            reference = [stream]
            del stream
            with pytest.warns(ResourceWarning, match="dropped before its end"):
                reference.clear()  # CPython finalizes at once

    run(scenario())
