"""
Health over a real server: the one thing that a caller without credentials reaches.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from scripted_executor import run
from toolcell_server.health_service import MAXIMUM_NAME, Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@contextlib.asynccontextmanager
async def serving(health: Health) -> AsyncIterator[Any]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield health_pb2_grpc.HealthStub(channel)
    finally:
        await server.stop(0)


def of(name: str) -> Any:
    return health_pb2.HealthCheckRequest(service=name)


async def code(answer: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await answer
    return raised.value.code().name


def test_it_says_how_a_service_is_and_a_watcher_hears_of_changes() -> None:
    async def scenario() -> None:
        health = Health()
        health.set("", SERVING)
        async with serving(health) as stub:
            assert (await stub.Check(of(""))).status == SERVING
            assert await code(stub.Check(of("new"))) == "NOT_FOUND"
            watching = stub.Watch(of("new"))
            assert (await watching.read()).status == UNKNOWN
            health.set("new", SERVING)
            assert (await watching.read()).status == SERVING
            health.set("", NOT_SERVING)  # of which this one hears nothing
            health.end()
            health.set("new", SERVING)  # too late
            assert (await watching.read()).status == NOT_SERVING

    run(scenario())


def test_nobody_keeps_megabytes_by_watching() -> None:
    async def scenario() -> None:
        async with serving(Health()) as stub:
            longest = stub.Watch(of("x" * MAXIMUM_NAME))
            assert (await longest.read()).status == UNKNOWN  # the control
            assert await code(stub.Watch(of("x" * 3_000_000)).read()) == "INVALID_ARGUMENT"

    run(scenario())


def test_watchers_are_so_many_and_one_that_leaves_makes_room() -> None:
    async def scenario() -> None:
        async with serving(Health(maximum_watches=2)) as stub:
            watching = [stub.Watch(of("")) for _ in range(2)]
            for each in watching:
                await each.read()
            assert await code(stub.Watch(of("")).read()) == "RESOURCE_EXHAUSTED"
            watching[0].cancel()
            while True:  # until the server has heard of it; bounded by `run`
                with contextlib.suppress(grpc.aio.AioRpcError):
                    assert (await stub.Watch(of("")).read()).status == UNKNOWN
                    break

    run(scenario())


def test_a_watcher_that_does_not_read_holds_up_nobody() -> None:
    """
    Neither another one, nor the end of the server, which begins by telling them.
    """

    async def scenario() -> None:
        health = Health()
        health.set("", SERVING)
        context: Any = None  # not looked at
        stuck: Any
        other: Any
        stuck, other = health.Watch(of(""), context), health.Watch(of(""), context)
        assert (await anext(stuck)).status == (await anext(other)).status == SERVING
        health.end()  # while the first is still at its `yield`, as it is while it is written
        async with asyncio.timeout(5):
            assert (await anext(other)).status == NOT_SERVING
        for each in (stuck, other):
            await each.aclose()

    run(scenario())
