"""
A server that is killed under load, again and again, and the books about what it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from processes import await_end, descendants
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell_client.plain import short_name

if TYPE_CHECKING:
    import random
    from collections.abc import Coroutine, Sequence

APPENDING = Path(__file__).parent / "contract" / "bundles" / "appending"
LANES = 8
SECONDS = 20.0
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "appending"
path = "{bundle}"

[builtin]
enabled = false
"""


@dataclass(slots=True)
class Sent:
    """
    One call, and what its caller knows of it.  `label` is the outcome, "" if none came.
    """

    request: pb.RunRequest
    streamed: bool
    execution_id: str = ""
    label: str = ""
    replayed: bool = False
    result: bytes = b""

    def note(self, execution_id: str, finished: pb.Finished) -> None:
        self.execution_id = execution_id
        outcome = finished.outcome
        self.label = outcome.WhichOneof("kind") or ""
        if self.label == "lost":
            self.label += f"({short_name(pb.LostReason, outcome.lost.reason)})"
        self.replayed, self.result = finished.replayed, finished.result_json


@dataclass(slots=True)
class Crashing:
    """
    `durable`: the server has a state_dir.  `tally` counts what became of calls.
    """

    folder: Path
    chance: random.Random
    durable: bool = True
    tally: Counter[str] = field(default_factory=Counter)
    _count: int = 0

    def __post_init__(self) -> None:
        self.lines.parent.mkdir()
        self.lines.touch()
        self.state.mkdir(mode=0o700)

    @property
    def lines(self) -> Path:
        return self.folder / "root" / "lines"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self) -> Server:
        settings = SETTINGS.format(root=self.lines.parent, bundle=APPENDING)
        flags = ("--set", f"state_dir={self.state}") if self.durable else ()
        return start_server(self.folder, settings, flags=flags)

    def start_and_die(self) -> None:
        """
        Start a server and kill it at some moment of its start.
        """
        file = str(self.folder / "settings.toml")
        program = [sys.executable, "-m", "toolcell_server", "--settings", file]
        flags = ["--set", f"state_dir={self.state}"] if self.durable else []
        dying = subprocess.Popen(
            [*program, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(self.chance.uniform(0.0, 1.5))  # the moment is what is tried
        kill(dying)

    def ran(self) -> Counter[str]:
        """
        How often each call ran, by request_id.
        """
        return Counter(self.lines.read_text().split())

    async def crash(self, server: Server) -> list[Sent]:
        """
        Load the server, kill it at some moment, and tell what was sent.
        """
        sent: list[Sent] = []
        async with _stub(server) as stub:
            lanes = [asyncio.ensure_future(self._lane(stub, sent)) for _ in range(LANES)]
            await asyncio.sleep(self.chance.uniform(0.0, 0.6))
            await asyncio.to_thread(kill, server.process)
            await asyncio.gather(*lanes)
        return sent

    async def judge(self, server: Server, sent: Sequence[Sent]) -> list[str]:
        """
        What a server that was started anew says of these calls, and what is wrong with that.
        """
        before = self.ran()
        async with _stub(server) as stub:
            again = await _in_lanes([self._again(stub, one) for one in sent])
            once_more = await _in_lanes([self._again(stub, one) for one in sent])
            listed = await _listed(stub)
            told = {one.execution_id for one in sent if one.execution_id}
            states = await _in_lanes([_state(stub, each) for each in told])
        after = self.ran()
        wrong = [f"{each} is listed {n} times" for each, n in Counter(listed).items() if n > 1]
        wrong += [f"{each} was accepted and is not listed" for each in told - set(listed)]
        wrong += [f"an accepted one is {state}" for state in states if state != "finished"]
        for first, second, third in zip(sent, again, once_more, strict=True):
            name = first.request.request_id
            complaints = self._complaints(first, second, (before[name], after[name]))
            if (third.replayed, third.execution_id, third.label) != (
                *(True, second.execution_id),
                second.label,
            ):
                complaints.append("was not replayed the second time as the first")
            wrong += [f"{name} {complaint}: {first}, {second}" for complaint in complaints]
        return wrong

    def _complaints(self, first: Sent, second: Sent, ran: tuple[int, int]) -> list[str]:
        """
        Of one call: what its caller saw before the crash and after it, and how often it ran.
        """
        self.tally["sent"] += 1
        wrong = ["ran twice"] if max(ran) > 1 else []
        if first.execution_id and first.execution_id != second.execution_id:
            wrong.append("was accepted and is now another execution")
        if first.label and (first.label, first.result) != (second.label, second.result):
            wrong.append("has ended and now ended in another way")
        if not second.replayed:
            self.tally["never accepted, ran when sent again"] += 1
            allowed = {"completed": [(0, 1)]}
        elif second.label == "completed":
            self.tally["completed"] += 1
            allowed = {"completed": [(1, 1)]}
        else:
            self.tally[f"{second.label}, ran {ran[0]} times"] += 1
            allowed = {"lost(outcome_unknown)": [(0, 0), (1, 1)]}
        if ran not in allowed.get(second.label, ()):
            wrong.append(f"ran {ran[0]} times before and {ran[1]} after it was sent again")
        return wrong

    async def _lane(self, stub: Any, sent: list[Sent]) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            while True:
                one = Sent(self._request(), streamed=self.chance.random() < 0.5)
                sent.append(one)
                await _send(stub, one)

    async def _again(self, stub: Any, one: Sent) -> Sent:
        again = Sent(one.request, streamed=self.chance.random() < 0.5)
        await _send(stub, again)
        return again

    def _request(self) -> pb.RunRequest:
        self._count += 1
        name = f"request-{self._count}"
        arguments = {
            "path": str(self.lines),
            "line": name,
            "before": self.chance.uniform(0.0, 0.02),
            "after": self.chance.uniform(0.0, 0.02),
        }
        data = json.dumps(arguments).encode()
        return pb.RunRequest(tool="append", arguments_json=data, request_id=name)


def kill(process: subprocess.Popen[Any]) -> None:
    """
    SIGKILL, and wait until the kernel has ended whatever the server had started.
    """
    everything = descendants(process.pid)
    process.kill()
    process.communicate()
    await_end(everything, SECONDS)


@contextlib.asynccontextmanager
async def _stub(server: Server) -> Any:
    options = [("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(server.target, options=options) as channel:
        yield ToolExecutionServiceStub(channel)


async def _send(stub: Any, one: Sent) -> None:
    if not one.streamed:
        answer = await stub.Run(one.request, timeout=SECONDS)
        one.note(answer.execution_id, answer.finished)
        return
    request = pb.ExecuteRequest.FromString(one.request.SerializeToString())
    async for event in stub.Execute(request, timeout=SECONDS):
        one.execution_id = event.execution_id
        if event.HasField("finished"):
            one.note(event.execution_id, event.finished)


async def _listed(stub: Any) -> list[str]:
    found: list[str] = []
    request = pb.ListExecutionsRequest(page_size=1000)
    while not found or request.page_token:
        page = await stub.ListExecutions(request)
        found += [one.execution_id for one in page.executions]
        request.page_token = page.next_page_token
        if not page.executions:
            break
    return found


async def _state(stub: Any, execution_id: str) -> str:
    try:
        answer = await stub.GetExecution(pb.GetExecutionRequest(execution_id=execution_id))
    except grpc.aio.AioRpcError as exc:
        return exc.code().name
    return short_name(pb.ExecutionState, answer.execution.state)


async def _in_lanes(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    places = asyncio.Semaphore(LANES)

    async def one(each: Coroutine[Any, Any, Any]) -> Any:
        async with places:
            return await each

    return list(await asyncio.gather(*map(one, work)))
