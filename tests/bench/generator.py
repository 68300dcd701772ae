"""
The load generator of `make bench`: one process for the whole run, which keeps its connections.

Theory of operation.  The benchmark measures many subjects in turns, in rounds of a second or less;
a process for each round would spend longer on starting than on calling.  So it is told on its
standard input what to do, one line of JSON each, and answers on its standard output the same way
(`generating.py` is the other end).  Nothing else runs in it while it measures: the garbage
collector is off, except between measurements.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from bench.load import WARM_UP_CALLS, caller, closed_loop, connected
from bench.offering import offer

if TYPE_CHECKING:
    import grpc.aio

STREAM_SECONDS = 300


def say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


@dataclass
class Holding:
    """
    Calls that run at the same time until they are cancelled.
    """

    stub: Any
    arguments: str
    number: int
    started: int = 0
    ended: int = 0
    executions: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    all_run: asyncio.Event = field(default_factory=asyncio.Event)

    async def one(self) -> None:
        request = pb.ExecuteRequest(tool="sleep", arguments_json=self.arguments.encode())
        event = pb.ExecuteResponse()
        async for event in self.stub.Execute(request, timeout=STREAM_SECONDS):
            if event.HasField("accepted"):
                self.executions.append(event.execution_id)
            if event.HasField("started"):
                self.started += 1
                if self.started == self.number:
                    self.all_run.set()
        self.ended += 1
        if event.finished.outcome.WhichOneof("kind") != "cancelled":
            self.failures.append(event.finished.outcome.message or "it ended by itself")

    async def cancel(self) -> None:
        requests = (pb.CancelExecutionRequest(execution_id=each) for each in self.executions)
        await asyncio.gather(*map(self.stub.CancelExecution, requests), return_exceptions=True)


@dataclass
class Generator:
    """
    The connections so far, by target, and which calls were warmed up.
    """

    connections: dict[str, tuple[grpc.aio.Channel, Any]] = field(default_factory=dict)
    warm: set[tuple[str, str, str]] = field(default_factory=set)

    def stub(self, target: str) -> Any:
        if target not in self.connections:
            self.connections[target] = connected(target)
        return self.connections[target][1]

    async def calls(
        self,
        target: str,
        kind: str,
        in_flight: int,
        seconds: float,
        *,
        tool: str = "nothing",
        arguments: str = "",
        pause: float = 0.0,
        token: str = "",
    ) -> dict[str, Any]:
        """
        A closed loop; what it answers is a `Measured`.
        """
        call = caller(self.stub(target), kind, tool, arguments.encode(), token)
        known = (target, kind, tool) in self.warm
        self.warm.add((target, kind, tool))
        warm_up = 1 if known else WARM_UP_CALLS
        measured = await closed_loop(call, in_flight, seconds, warm_up, pause)
        return dataclasses.asdict(measured)

    async def read(self, target: str, tool: str, arguments: str) -> dict[str, Any]:
        """
        Read one stream to its end: how many events and bytes of output it brought, and how long
        that took from the first one on.
        """
        request = pb.ExecuteRequest(tool=tool, arguments_json=arguments.encode())
        began = time.perf_counter()
        count = partials = 0
        event = pb.ExecuteResponse()
        async for event in self.stub(target).Execute(request, timeout=STREAM_SECONDS):
            count += len(event.output.data)
            partials += event.HasField("partial")
        elapsed = time.perf_counter() - began
        completed = event.finished.outcome.WhichOneof("kind") == "completed"
        failures = [] if completed else [event.finished.outcome.message or "no ending"]
        return {"bytes": count, "partials": partials, "elapsed": elapsed, "failures": failures}

    async def hold(
        self, target: str, number: int, arguments: str, patience: float
    ) -> dict[str, Any]:
        """
        So many calls of `sleep` at once.  When all of them run, or after `patience` seconds, it
        says how many do, and at the next line of input it cancels them.
        """
        began = time.perf_counter()
        holding = Holding(self.stub(target), arguments, number)
        tasks = [asyncio.create_task(holding.one()) for _ in range(number)]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(holding.all_run.wait(), patience)
        say({"running": holding.started - holding.ended, "elapsed": time.perf_counter() - began})
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await holding.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        holding.failures += [str(each) for each in answers if isinstance(each, BaseException)]
        return {"failures": holding.failures}

    async def offer(self, target: str, **given: Any) -> dict[str, Any]:
        """
        An open loop: see `offering.py`.
        """
        return await offer(self.stub(target), **given)

    async def forget(self, target: str) -> dict[str, Any]:
        """
        Close the connection to a server that ends.
        """
        if known := self.connections.pop(target, None):
            await known[0].close()
        return {}


async def main() -> None:
    generator = Generator()
    loop = asyncio.get_running_loop()
    gc.disable()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        answer = await getattr(generator, command.pop("do"))(**command)
        gc.collect()
        say(answer)


if __name__ == "__main__":
    asyncio.run(main())
