"""
A caller with a good token who means harm, as a program: `bench.hostile_caller TARGET TOKEN`.

It holds streams that it does not read, as many as its share of the places and more, asks for tools
that are not there, shows tokens that are none and sends metadata without measure, so many times a
second, until it is killed.  It says when it has begun.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import TYPE_CHECKING, Any

import grpc.aio
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STREAMS = 20
A_SECOND = 100  # arbitrary; a flood that leaves the machine's cores to those who are measured
SECONDS = 30.0
HUGE = tuple((f"x-{number}", "y" * 500) for number in range(12))


async def hold(stub: Any, metadata: Any) -> None:
    """
    Streams that nobody reads; one that has ended is begun again.
    """
    while True:
        request = pb.ExecuteRequest(tool="sleep", arguments_json=b'{"seconds": 2}')
        stream = stub.Execute(request, timeout=SECONDS, metadata=metadata)
        await asyncio.gather(stream.code(), return_exceptions=True)
        await asyncio.sleep(0.1)


async def bother(calls: list[Callable[[int], Awaitable[Any]]]) -> None:
    """
    One refused call after another, each kind in turn.
    """
    for number, call in zip(itertools.count(), itertools.cycle(calls), strict=False):
        await asyncio.gather(call(number), return_exceptions=True)
        await asyncio.sleep(1 / A_SECOND)


async def main(target: str, token: str) -> None:
    metadata = (("authorization", f"Bearer {token}"),)

    def run(tool: str, metadata: Any) -> Awaitable[Any]:
        answer: Awaitable[Any] = stub.Run(
            pb.RunRequest(tool=tool, validate_only=True), timeout=SECONDS, metadata=metadata
        )
        return answer

    async with grpc.aio.insecure_channel(target) as channel:
        stub: Any = ToolExecutionServiceStub(channel)
        bad = (("authorization", "Bearer nobody-0123456789abcdef0123456789abcdef"),)
        calls: list[Callable[[int], Awaitable[Any]]] = [
            lambda number: run(f"tool_{number}", metadata),
            lambda _: run("nothing", bad),
            lambda _: run("nothing", (*metadata, *HUGE)),
        ]
        print("begun", flush=True)
        await asyncio.gather(bother(calls), *(hold(stub, metadata) for _ in range(STREAMS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
