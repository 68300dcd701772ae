"""
Rates over a real connection, for two principals: one floods, the other is not touched.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import admitting
import grpc
from clocks import Clock
from counting import rule
from google.rpc.error_details_pb2 import (
    ErrorInfo,
    QuotaFailure,
    RetryInfo,
)
from grpc_server import failure
from grpc_status import rpc_status
from scripted_executor import ScriptedExecutor, completed, run
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell_server import principal, rpc_handlers
from toolcell_server.capacity import Capacity
from toolcell_server.charged import ChargedExecutor
from toolcell_server.executions import Executions, Keeping
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.principal import Principal
from toolcell_server.queued import QueuedExecutor
from toolcell_server.rates.gate import RateGate
from toolcell_server.rates.memory import MemoryWindows
from toolcell_server.rates.places import Places
from toolcell_server.service import ExecutionService, add_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from toolcell_server.rates.rules import Rule

HEADER = "x-test-principal"


class Named(grpc.aio.ServerInterceptor):
    """
    Believes whoever says who he is.
    """

    def __init__(self) -> None:
        self._wrapped = rpc_handlers.Wrapped(
            lambda _method, handler: rpc_handlers.wrapped(handler, _named, lambda each: each)
        )

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        return self._wrapped.get(details.method, await continuation(details))


def _named(behaviour: Any) -> Any:
    async def handler(request: Any, context: Any) -> Any:
        said = dict(context.invocation_metadata())
        with principal.calling(Principal(name=said[HEADER])):
            return await behaviour(request, context)

    return handler


@dataclass
class Served:
    """
    A service with rates, and what it stands on.
    """

    root: Path
    clock: Clock
    executor: ScriptedExecutor
    windows: MemoryWindows
    stub: Any

    def call(self, name: str, *, path: str = "a.txt", **fields: Any) -> Any:
        asked = admitting.request(self.root, arguments={"path": str(self.root / path)}, **fields)
        request = pb.RunRequest.FromString(asked.SerializeToString())
        return self.stub.Run(request, metadata=((HEADER, name),))


@contextlib.asynccontextmanager
async def serving(
    root: Path, *rules: Rule, executor: ScriptedExecutor | None = None, running: int = 8
) -> AsyncIterator[Served]:
    (root / "a.txt").touch()
    clock, capacity = Clock(), Capacity(running=running, queue=0)
    windows = MemoryWindows(clock)
    gate = RateGate(rules, windows, Places(clock))
    admission = admitting.admission(root, capacity=capacity, gates=(gate,))
    script = executor or ScriptedExecutor(completed(b"1"))
    executions = Executions(QueuedExecutor(ChargedExecutor(script), capacity), Keeping())
    server = grpc.aio.server(interceptors=[ErrorInterceptor(), Named()])
    add_to(server, ExecutionService(executions, admission))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(root, clock, script, windows, ToolExecutionServiceStub(channel))
    finally:
        await executions.drain(0)
        await server.stop(None)
        await admission.validation.aclose()


async def refused(call: Any) -> tuple[str, ErrorInfo, QuotaFailure, float]:
    error = await failure(call)
    info, quota, retry = ErrorInfo(), QuotaFailure(), RetryInfo()
    for packed in rpc_status.from_call(error).details:
        for known in (info, quota, retry):
            packed.Unpack(known)
    return error.code().name, info, quota, retry.retry_delay.ToMilliseconds() / 1000


def test_a_flood_by_one_is_refused_and_the_other_is_not_touched(tmp_path: Path) -> None:
    """
    Who is refused hears when to come back, and is let in then, not a moment before.
    """

    async def scenario() -> None:
        async with serving(tmp_path, rule("5/minute", name="fair")) as service:
            answers = await asyncio.gather(
                *(service.call("mallory") for _ in range(60)), return_exceptions=True
            )
            assert sum(isinstance(answer, pb.RunResponse) for answer in answers) == 5
            code, info, quota, delay = await refused(service.call("mallory"))
            assert (code, info.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
            assert info.metadata["category"] == "temporary"
            [violation] = quota.violations
            assert violation.subject == "principal:mallory"
            assert violation.description == "fair: at most 5 calls per minute for each principal"
            for _ in range(5):
                await service.call("alice")
            service.clock.now += delay - 0.002
            await refused(service.call("mallory"))
            service.clock.now += 0.002
            await service.call("mallory")

    run(scenario())


def test_repetitions_and_validations_do_not_count(tmp_path: Path) -> None:
    """
    They run nothing.
    """

    async def scenario() -> None:
        async with serving(tmp_path, rule("2/minute")) as service:
            for _ in range(5):
                await service.call("alice", request_id="1")
                await service.call("alice", validate_only=True)
            await service.call("alice", request_id="2")
            await refused(service.call("alice", request_id="3"))
            await refused(service.call("alice", validate_only=True))
            await service.call("alice", request_id="1")  # replayed, whatever the quota says

    run(scenario())


def test_what_is_refused_elsewhere_does_not_count(tmp_path: Path) -> None:
    """
    Before the gate (arguments, unknown tools), and after it (paths, places).
    """

    async def scenario() -> None:
        held = ScriptedExecutor()
        async with serving(tmp_path, rule("2/minute"), executor=held, running=1) as service:
            for _ in range(3):
                assert (await refused(service.call("alice", tool="nothing")))[0] == "NOT_FOUND"
                assert len(service.windows) == 0  # names that somebody made up leave no key
            for _ in range(3):
                assert (await refused(service.call("alice", path="gone")))[0] == "PERMISSION_DENIED"
            first = service.call("alice")
            await held.has_begun.wait()
            for _ in range(3):
                assert (await refused(service.call("alice")))[1].reason == "NO_CAPACITY"
            held.tell(held.begun[-1], completed(b"1"))
            await first
            held.always = (completed(b"1"),)
            await service.call("alice")
            assert (await refused(service.call("alice")))[1].reason == "QUOTA_EXCEEDED"

    run(scenario())


def test_a_place_is_given_back_however_a_call_ends(tmp_path: Path) -> None:
    """
    It completes, its executor fails, its caller goes away.
    """

    async def scenario() -> None:
        held = ScriptedExecutor()
        async with serving(tmp_path, rule(concurrency=1), executor=held) as service:
            for ending in (completed(b"1"), RuntimeError("broken"), None):
                held.has_begun.clear()
                call = service.call("alice", timeout={"seconds": 60})
                await held.has_begun.wait()
                code, info, _, delay = await refused(service.call("alice"))
                assert (code, info.metadata["quota"]) == ("RESOURCE_EXHAUSTED", "concurrency")
                assert 0 < delay <= 10
                if ending is None:
                    execution_id = held.begun[-1].execution_id
                    cancel = pb.CancelExecutionRequest(execution_id=execution_id)
                    await service.stub.CancelExecution(cancel, metadata=((HEADER, "alice"),))
                else:
                    held.tell(held.begun[-1], ending)
                await call
            held.always = (completed(b"1"),)
            await service.call("alice")

    run(scenario())
