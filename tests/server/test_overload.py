"""
A real server under more calls than it can take.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from running_server import start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from running_server import Server

DEADLINE = 60.0
SOURCE = """
import time
from toolcell_worker import tool

@tool
def wait(seconds: float) -> None:
    \"\"\"
    Waits.

    Args:
        seconds: How long.
    \"\"\"
    time.sleep(seconds)
"""


class Caller:
    """
    One connection, which is a share of its own; counts how its calls end.
    """

    def __init__(self, stub: execution_pb2_grpc.ToolExecutionServiceAsyncStub) -> None:
        self._stub = stub
        self.endings: Counter[str] = Counter()
        self.refused = asyncio.Event()
        self.retry_seconds: list[float] = []

    async def call(self, seconds: float, timeout_seconds: int = 0) -> str:
        """
        Run the tool; how that ended: an outcome, or the code of a refusal.
        """
        request = pb.RunRequest(
            tool="wait", arguments_json=json.dumps({"seconds": seconds}).encode()
        )
        if timeout_seconds:
            request.timeout.CopyFrom(Duration(seconds=timeout_seconds))
        try:
            response = await self._stub.Run(request)
            ending = str(response.finished.outcome.WhichOneof("kind"))
        except grpc.aio.AioRpcError as exc:
            ending = exc.code().name
            self.refused.set()
            self.retry_seconds.append(_retry_seconds(exc))
        self.endings[ending] += 1
        return ending

    async def flood(self, callers: int) -> None:
        """
        Call without end, from so many tasks.
        """

        async def insist() -> None:
            while True:
                await self.call(0.02)

        await asyncio.gather(*(insist() for _ in range(callers)))


def _retry_seconds(error: grpc.aio.AioRpcError) -> float:
    """
    The delay that a refusal names; 0: none.
    """
    status = rpc_status.from_call(error)
    assert status is not None
    for detail in status.details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return 0.0


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Caller]:
    # Channels to one target share a connection unless told otherwise.
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(server.target, own) as channel:
        stub: Any = execution_pb2_grpc.ToolExecutionServiceStub(channel)  # of either kind
        yield Caller(stub)


def serve(tmp_path: Path, settings: str) -> Server:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "waits.py").write_text(SOURCE)
    return start_server(
        tmp_path, f'[[bundles]]\nname = "waits"\npath = "{bundle}"\n', server=settings
    )


@pytest.mark.timeout(120)
def test_a_flood_over_one_connection_does_not_starve_another(tmp_path: Path) -> None:
    """
    The queue is full of the flood's calls all the time; somebody else must be served as if it were
    not, and soon.
    """

    async def scenario(server: Server) -> tuple[Counter[str], Counter[str], int]:
        async with connected(server) as loud, connected(server) as quiet:
            flood = asyncio.create_task(loud.flood(60))
            async with asyncio.timeout(DEADLINE):
                await loud.refused.wait()
                before = loud.endings["completed"]
                for _ in range(10):
                    await quiet.call(0.0)
                meanwhile = loud.endings["completed"] - before
            flood.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flood
            return loud.endings, quiet.endings, meanwhile

    with serve(tmp_path, "max_executions = 1\nqueue = 20\n") as server:
        loud, quiet, meanwhile = asyncio.run(scenario(server))

    assert quiet == {"completed": 10}
    assert set(loud) == {"completed", "UNAVAILABLE"}
    # Some sixteen wait at any time, all of which would come before each call of the other.
    assert meanwhile <= 5 * 10


@pytest.mark.timeout(120)
def test_overload_ends_in_refusals_that_say_when_and_never_in_timeouts(tmp_path: Path) -> None:
    """
    What is accepted is finished, and everybody else is told at once to come back.
    """

    async def scenario(server: Server) -> tuple[Counter[str], list[float]]:
        async with connected(server) as first, connected(server) as second:

            async def insist(caller: Caller) -> None:
                for _ in range(4):
                    await caller.call(0.1, timeout_seconds=4)

            async with asyncio.timeout(DEADLINE):
                await asyncio.gather(*(insist(each) for each in (first, second) * 60))
            return first.endings + second.endings, first.retry_seconds + second.retry_seconds

    with serve(tmp_path, "max_executions = 2\nqueue = 256\n") as server:
        endings, retry_seconds = asyncio.run(scenario(server))

    assert set(endings) == {"completed", "UNAVAILABLE"}
    assert sum(endings.values()) == 2 * 60 * 4
    assert endings["completed"] >= 2
    assert len(retry_seconds) == endings["UNAVAILABLE"]
    assert min(retry_seconds) > 0
