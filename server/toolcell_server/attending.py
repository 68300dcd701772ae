"""
Attends one cell from its start to its end: reads all it says, ends it when something must.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Frame, PeerClosed, ProtocolError

from toolcell_server import endings, judging, output, tool_frames
from toolcell_server.denials import Denials
from toolcell_server.durations import to_duration
from toolcell_server.watchdog import Watch, Watchdog
from toolcell_server.zygote import ZygoteDied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from toolcell_worker.wire import Message

    from toolcell_server.cells import Reaping
    from toolcell_server.execution import Execution
    from toolcell_server.session import Session

BEFORE_READY = frozenset({Frame.SETUP_FAILED, Frame.STAGING, Frame.LISTENER})
USAGE_SECONDS = 1.0  # arbitrary; how often a running tool's usage is reported


class Attending:
    """
    One cell and what is known of it.  `put` takes its events; when it blocks, the cell's output
    does.  `staging` are the folders of the cell in which files are staged, by path.
    """

    def __init__(
        self,
        execution: Execution,
        session: Session,
        isolation: pb.IsolationReport,
        put: Callable[[pb.ExecuteResponse], Awaitable[None]],
    ) -> None:
        self.staging: dict[str, int] = {}
        self._execution = execution
        self._limits = execution.grant.limits
        self._session = session
        self._isolation = isolation
        self._put = put
        self._began = time.monotonic()
        cell = session.cell
        self._watch = Watch(cell.pids, self._limits, self._exceeded, cell.group)
        self._stdout = output.Keeping(self._limits.output_bytes)
        self._stderr = output.Keeping(self._limits.output_bytes)
        self._words = judging.Words()
        self._denials = Denials(
            self._limits.file_operations,
            lambda: self._exceeded("file_operations"),
            lambda what: self._end(endings.violated("seccomp", what)),
        )
        self._ended_by: pb.Outcome | None = None  # the first cause
        self._told_started = asyncio.Event()

    async def until_reaped(self, watchdog: Watchdog) -> pb.Finished:
        """
        Attend the cell until the zygote has reaped it, and say how it ended.
        """
        with watchdog.watching(self._watch), self._ending():
            reaping = await self._attend()
        outcome = self._outcome(reaping)
        finished = pb.Finished(
            outcome=outcome,
            usage=self._usage(reaping),
            isolation=self._isolation,
            truncated=self._stdout.truncated or self._stderr.truncated,
        )
        if outcome.HasField("completed"):
            finished.result_json = self._words.result or b""
            finished.result_bytes = len(finished.result_json)
        return finished

    def close(self) -> None:
        """
        Give the folders and the listener back.
        """
        self._denials.close()
        for descriptor in self.staging.values():
            os.close(descriptor)
        self.staging.clear()

    def _end(self, outcome: pb.Outcome) -> None:
        if self._ended_by is None:
            self._ended_by = outcome
        self._session.cell.kill()

    def _stopped(self) -> None:
        self._end(endings.cancelled(self._execution.stop.reason))

    def _exceeded(self, limit: str) -> None:
        self._end(endings.exceeded(limit, self._limits))

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """
        The wall clock and the stop request, each of which ends the cell.
        """
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._limits.wall_seconds, self._exceeded, "wall")
        stop = self._execution.stop
        stop.then(self._stopped)
        try:
            yield
        finally:
            timer.cancel()
            stop.ignore(self._stopped)

    async def _attend(self) -> Reaping | None:
        """
        Read everything until the cell is reaped; nothing if its zygote died.
        """
        session = self._session
        readers = [
            asyncio.create_task(self._frames()),
            asyncio.create_task(self._pump(session.stdout, pb.OUTPUT_STREAM_STDOUT, self._stdout)),
            asyncio.create_task(self._pump(session.stderr, pb.OUTPUT_STREAM_STDERR, self._stderr)),
            asyncio.create_task(self._tell_denials()),
        ]
        reporting = asyncio.create_task(self._report_usage())
        try:
            reaping = await asyncio.shield(session.cell.reaped)
        except ZygoteDied:
            reaping = None
        except asyncio.CancelledError:
            session.cell.kill()
            await _cancel(*readers)
            with contextlib.suppress(ZygoteDied):  # its slot is another's only when it is gone
                await asyncio.shield(session.cell.reaped)
            raise
        finally:
            reporting.cancel()
            self._denials.end()
        # Every writer is dead: what is left lies in our buffers, and ends when it is taken.
        await asyncio.gather(*readers)
        return reaping

    async def _pump(
        self, descriptor: int, stream: pb.OutputStream.ValueType, keeping: output.Keeping
    ) -> None:
        await self._told_started.wait()  # it comes before what the tool prints
        await output.pump(descriptor, stream, keeping, self._put, lambda: self._exceeded("output"))

    async def _frames(self) -> None:
        """
        What the tool's process says.  Before READY it is our own code; after it, the tool.
        """
        words = self._words
        try:
            while True:
                message = await self._session.channel.receive()
                if message.kind == Frame.READY and not words.ready:
                    words.ready = True
                    self._session.channel.refuse_descriptors()
                    await self._put(self._started())
                    self._told_started.set()
                elif not words.ready and message.kind in BEFORE_READY:
                    self._preparing(message)
                else:
                    event = tool_frames.take(message, words)
                    if event is not None and not self._denials.repeats(event):
                        await self._put(event)
        except PeerClosed:
            return
        except ProtocolError as exc:
            if words.ready:
                self._end(endings.broke_protocol(str(exc)))
            self._session.cell.kill()
        finally:
            self._told_started.set()  # or never will be

    def _preparing(self, message: Message) -> None:
        """
        What our own code says while it builds the walls.
        """
        if message.kind == Frame.SETUP_FAILED:
            self._setup_failed(message.json())
        elif message.kind == Frame.STAGING:
            folders = message.json()["folders"]
            self.staging.update(zip(folders, message.descriptors, strict=True))
        else:
            self._denials.observe(message.descriptors)

    async def _tell_denials(self) -> None:
        await self._told_started.wait()  # it comes before what the tool was refused
        await self._denials.tell(self._put)

    def _setup_failed(self, said: dict[str, Any]) -> None:
        message = f"the {said['wall']} wall could not be built: {said['detail']}"
        self._end(endings.lost(pb.LOST_REASON_WALL_NOT_BUILT, message, said["wall"]))

    def _started(self) -> pb.ExecuteResponse:
        queued = max(0.0, self._began - self._execution.accepted)
        started = pb.Started(
            queue_time=to_duration(queued),
            attempt=self._execution.attempt,
            isolation=self._isolation,
        )
        return pb.ExecuteResponse(started=started)

    async def _report_usage(self) -> None:
        while True:
            await asyncio.sleep(USAGE_SECONDS)
            await self._put(pb.ExecuteResponse(usage=self._usage(None)))

    def _outcome(self, reaping: Reaping | None) -> pb.Outcome:
        if self._ended_by is not None:
            return self._ended_by
        if reaping is None:
            return endings.zygote_died()
        return self._denials.explain(judging.judge(self._words, reaping, self._limits))

    def _usage(self, reaping: Reaping | None) -> pb.Usage:
        """
        The kernel's account if there is one, and what the watchdog saw beyond it: the account has
        only processes that somebody waited for, and a killed init waits for nobody.
        """
        peak = self._watch.peak
        system = reaping.system_seconds if reaping else 0.0
        user = max(peak.cpu_seconds - system, reaping.user_seconds if reaping else 0.0)
        return pb.Usage(
            cpu_user=to_duration(user),
            cpu_system=to_duration(system),
            memory_peak_bytes=max(peak.memory_bytes, reaping.peak_bytes if reaping else 0),
            processes_peak=max(peak.processes, int(self._words.ready)),
            wall=to_duration(time.monotonic() - self._began),
            stdout_bytes=self._stdout.total,
            stderr_bytes=self._stderr.total,
            result_bytes=len(self._words.result or b""),
            arguments_bytes=len(self._execution.arguments),
            file_operations=self._denials.file_operations,
        )


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
