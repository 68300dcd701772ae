"""
Closed-loop load: so many callers, each with one call at a time.

Run as `python -m bench.load HOST:PORT run|execute IN_FLIGHT SECONDS [TOOL]` it is a process of its
own, so that it never waits for what it measures; it prints one line of JSON, {"seconds": [latency
of each call], "elapsed": seconds, "failures": [text], "refused": how many}.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc

from bench.quantities import Measured

WARM_UP_CALLS = 3  # a caller; the first ones pay for connections and lazily loaded code
TIMEOUT_SECONDS = 30  # arbitrary; what takes longer counts as failed
REFUSED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
REFUSED_SECONDS = 0.1  # arbitrary; a caller that is told to come back later does not come at once
# 10 MB of a result are one message of Run.
OPTIONS = (("grpc.max_receive_message_length", 32 * 2**20),)

Call = Callable[[], Awaitable[pb.Finished]]


def connected(target: str) -> tuple[grpc.aio.Channel, Any]:
    """
    A channel, and its stub, which is as asynchronous as the channel.
    """
    channel = grpc.aio.insecure_channel(target, options=OPTIONS)
    return channel, execution_pb2_grpc.ToolExecutionServiceStub(channel)


def caller(stub: Any, kind: str, tool: str, arguments: bytes = b"", token: str = "") -> Call:
    """
    One call of a tool, by the unary or by the streaming way.  With a token it is governed: it says
    who calls, and carries a `request_id` of its own.
    """
    metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def request_id() -> str:
        return str(uuid.uuid4()) if token else ""

    async def run() -> pb.Finished:
        request = pb.RunRequest(tool=tool, arguments_json=arguments, request_id=request_id())
        answer: pb.RunResponse = await stub.Run(request, timeout=TIMEOUT_SECONDS, metadata=metadata)
        return answer.finished

    async def execute() -> pb.Finished:
        request = pb.ExecuteRequest(tool=tool, arguments_json=arguments, request_id=request_id())
        stream = stub.Execute(request, timeout=TIMEOUT_SECONDS, metadata=metadata)
        events: list[pb.ExecuteResponse] = [event async for event in stream]
        return events[-1].finished

    return {"run": run, "execute": execute}[kind]


@dataclass
class Tally:
    """
    What became of the calls so far.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: int = 0

    async def attempt(self, call: Call) -> None:
        """
        One call.  A failure is counted and not timed; one that is refused waits a little.
        """
        began = time.perf_counter()
        try:
            finished = await call()
        except grpc.aio.AioRpcError as exc:
            if exc.code().name not in REFUSED:
                self.failures.append(f"{exc.code().name}: {exc.details()}")
                return
            self.refused += 1
            await asyncio.sleep(REFUSED_SECONDS)
            return
        if finished.outcome.WhichOneof("kind") == "completed":
            self.seconds.append(time.perf_counter() - began)
        else:
            self.failures.append(finished.outcome.message)

    async def repeat(self, call: Call, until: float, pause: float) -> None:
        """
        Call one after another until a point in time.
        """
        while time.perf_counter() < until:
            await self.attempt(call)
            if pause:
                await asyncio.sleep(pause)


async def closed_loop(
    call: Call, in_flight: int, duration: float, warm_up: int, pause: float = 0.0
) -> Measured:
    """
    So many callers for so many seconds, each with a pause after a call.  What the calls before that
    fail with is told, too.
    """
    warming = Tally()
    for _ in range(warm_up):
        await asyncio.gather(*(warming.attempt(call) for _ in range(in_flight)))
    tally = Tally(failures=warming.failures)
    began = time.perf_counter()
    until = began + duration
    await asyncio.gather(*(tally.repeat(call, until, pause) for _ in range(in_flight)))
    return Measured(tally.seconds, time.perf_counter() - began, tally.failures, tally.refused)


async def main(
    target: str, kind: str, in_flight: int, duration: float, tool: str = "nothing"
) -> None:
    channel, stub = connected(target)
    async with channel:
        measured = await closed_loop(
            caller(stub, kind, tool), in_flight, duration, warm_up=WARM_UP_CALLS
        )
    print(json.dumps(dataclasses.asdict(measured)))


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(given[0], given[1], int(given[2]), float(given[3]), *given[4:5]))
