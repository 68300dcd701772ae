"""
The load generator: a process of its own, so that it never waits for what it measures.

Run as `python -m bench.load HOST:PORT run|execute IN_FLIGHT SECONDS [TOOL]`; prints one line of
JSON, {"seconds": [latency of each call], "elapsed": seconds, "failures": [text]}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc

WARM_UP_CALLS = 3  # a caller; the first ones pay for connections and lazily loaded code
TIMEOUT_SECONDS = 10  # arbitrary; what takes longer counts as failed

Call = Callable[[], Awaitable[pb.Finished]]


def caller(stub: execution_pb2_grpc.ToolExecutionServiceAsyncStub, kind: str, tool: str) -> Call:
    """
    One call of a tool without arguments, by the unary or by the streaming way.
    """

    async def run() -> pb.Finished:
        request = pb.RunRequest(tool=tool)
        return (await stub.Run(request, timeout=TIMEOUT_SECONDS)).finished

    async def execute() -> pb.Finished:
        request = pb.ExecuteRequest(tool=tool)
        stream = stub.Execute(request, timeout=TIMEOUT_SECONDS)
        return [event async for event in stream][-1].finished

    return {"run": run, "execute": execute}[kind]


async def attempt(call: Call, seconds: list[float], failures: list[str]) -> None:
    """
    One call.  A failure is counted and not timed.
    """
    began = time.perf_counter()
    try:
        finished = await call()
    except grpc.aio.AioRpcError as exc:
        failures.append(f"{exc.code().name}: {exc.details()}")
        return
    if finished.outcome.WhichOneof("kind") == "completed":
        seconds.append(time.perf_counter() - began)
    else:
        failures.append(finished.outcome.message)


async def repeat(call: Call, until: float, seconds: list[float], failures: list[str]) -> None:
    """
    Call one after another until a point in time.
    """
    while time.perf_counter() < until:
        await attempt(call, seconds, failures)


async def main(
    target: str, kind: str, in_flight: int, duration: float, tool: str = "nothing"
) -> None:
    seconds: list[float] = []
    failures: list[str] = []
    async with grpc.aio.insecure_channel(target) as channel:
        stub: Any = execution_pb2_grpc.ToolExecutionServiceStub(channel)  # asynchronous, as channel
        call = caller(stub, kind, tool)
        for _ in range(WARM_UP_CALLS):
            await asyncio.gather(*(attempt(call, [], failures) for _ in range(in_flight)))
        began = time.perf_counter()
        until = began + duration
        await asyncio.gather(*(repeat(call, until, seconds, failures) for _ in range(in_flight)))
        elapsed = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "elapsed": elapsed, "failures": failures}))


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(given[0], given[1], int(given[2]), float(given[3]), *given[4:5]))
