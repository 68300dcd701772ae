"""
Runs hostile code in cells, on the same way as any call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from toolcell.v1 import execution_pb2 as pb

from toolcell_server import outcomes
from toolcell_server.battery.attack import Traces
from toolcell_server.durations import to_duration
from toolcell_server.refusals import CallRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from toolcell_server.battery.internet import Internet
    from toolcell_server.execution import Execution
    from toolcell_server.executions import Executions
    from toolcell_server.fallbacks.falling_back import FallingBack

LEAVING_SECONDS, PAUSE_SECONDS = 5.0, 0.001  # arbitrary; it takes some milliseconds
PRINTED_BYTES = 2**20  # of each stream, for the oracle; what is beyond it is counted elsewhere
BENIGN = {"a": 2, "b": 3}
BENIGN_PAGE = "/benign"


@dataclass
class _Heard:
    """
    The events of one execution.
    """

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    result: bytearray = field(default_factory=bytearray)
    denials: list[pb.Denied] = field(default_factory=list)
    finished: pb.Finished = field(default_factory=pb.Finished)

    def hear(self, event: pb.ExecuteResponse) -> None:
        if event.HasField("output"):
            out = event.output.stream == pb.OUTPUT_STREAM_STDOUT
            stream = self.stdout if out else self.stderr
            stream += event.output.data[: PRINTED_BYTES - len(stream)]
        if event.HasField("denied"):
            self.denials.append(event.denied)
        self.result += event.result_chunk.data + event.finished.result_json
        self.finished.MergeFrom(event.finished)

    def traces(self, seconds: float) -> Traces:
        outcome = self.finished.outcome
        return Traces(
            outcome=_word(outcome),
            result=json.loads(self.result) if self.result else None,
            stdout=self.stdout.decode(errors="replace"),
            stderr=self.stderr.decode(errors="replace"),
            message=f"{outcome.message}\n{outcome.failed.traceback}".strip(),
            denials=tuple(map(_denial, self.denials)),
            usage=_plain(self.finished.usage),
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True)
class Cells:
    """
    A server without a face, that hostile code is sent to.
    """

    admission: FallingBack
    executions: Executions

    async def run(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        limits: Mapping[str, float] | None = None,
        printed: asyncio.Event | None = None,
    ) -> Traces:
        """
        One call.  `printed` is set when the tool has printed something, or has ended.  If the
        task that waits is cancelled, so is the execution.
        """
        began = time.monotonic()
        request = pb.ExecuteRequest(
            tool=tool, arguments_json=json.dumps(arguments).encode(), limits=_limits(limits or {})
        )
        try:
            execution = await self.admission.admit(request, None)
            heard = await self._follow(execution, printed or asyncio.Event())
        except CallRefused as exc:
            return Traces(outcome=f"refused:{exc.reason}", message=str(exc))
        finally:
            if printed:
                printed.set()
        return heard.traces(time.monotonic() - began)

    async def _follow(self, execution: Execution, printed: asyncio.Event) -> _Heard:
        heard = _Heard()
        record = self.executions.start(execution)
        try:
            with record.attachments, record.reader() as events:
                async for data in events:
                    heard.hear(pb.ExecuteResponse.FromString(data))
                    if heard.stdout:
                        printed.set()
        except asyncio.CancelledError:
            await self.executions.cancel(record.execution_id)
            raise
        return heard

    async def at_rest(self) -> None:
        """
        Wait until nothing runs: a cell whose result waits for nothing is killed when that has been
        told.
        """
        with contextlib.suppress(TimeoutError):  # then what is left is found
            async with asyncio.timeout(LEAVING_SECONDS):
                while self.executions.running:  # noqa: ASYNC110  # nobody could tell us
                    await asyncio.sleep(PAUSE_SECONDS)

    async def benign(self) -> str:
        """
        What is wrong with a harmless call; nothing if it is as it should be.
        """
        traces = await self.run("add", BENIGN)
        if traces.outcome == "completed" and traces.result == sum(BENIGN.values()):
            return ""
        return f"2 + 3 ended as {traces.outcome} with {traces.result}: {traces.message}"

    async def benign_abroad(self, internet: Internet) -> str:
        """
        What is wrong with a harmless call to a granted host; on a host whose cells have no network
        at all, with any harmless call.
        """
        traces = await self.run("reach", {"url": internet.url(BENIGN_PAGE)})
        if traces.outcome == "refused:ISOLATION_BELOW_FLOOR":
            return await self.benign()
        if traces.outcome == "completed" and internet.visited(BENIGN_PAGE):
            return ""
        return f"the granted host was not reached: {traces.outcome}: {traces.message}"


def _limits(asked: Mapping[str, float]) -> pb.Limits:
    values: dict[str, Any] = {}
    for name, value in asked.items():
        if name.endswith("_seconds"):
            values[name.removesuffix("_seconds")] = to_duration(value)
        else:
            values[name] = int(value)
    return pb.Limits(**values)


def _word(outcome: pb.Outcome) -> str:
    kind = str(outcome.WhichOneof("kind"))
    if kind == "exceeded":
        return f"exceeded:{outcomes.limit(outcome.exceeded.limit)}"
    if kind == "violated":
        return f"violated:{pb.Wall.Name(outcome.violated.wall).removeprefix('WALL_').lower()}"
    if kind == "lost":
        reason = pb.LostReason.Name(outcome.lost.reason)
        return f"lost:{reason.removeprefix('LOST_REASON_').lower()}"
    return kind


def _denial(denied: pb.Denied) -> str:
    evidence = pb.Evidence.Name(denied.evidence).removeprefix("EVIDENCE_").lower()
    return f"{denied.operation} {denied.target} {denied.reason} ({evidence})"


def _plain(message: Message) -> dict[str, Any]:
    return dict(MessageToDict(message, preserving_proto_field_name=True))
