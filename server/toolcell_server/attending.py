"""
Attends one cell from its start to its end: reads all it says, ends it when something must.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings, judging, output
from toolcell_server.connecting import Connecting
from toolcell_server.denials import Denials
from toolcell_server.durations import to_duration
from toolcell_server.hearing import Hearing
from toolcell_server.used import used
from toolcell_server.watch import Watch
from toolcell_server.zygote import ZygoteDied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from toolcell_server.cells import Reaping
    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.proxies import Proxy
    from toolcell_server.session import Session
    from toolcell_server.watchdog import Watchdog

LATE_SECONDS = 0.25  # arbitrary; so late the loop may be for the wall clock before others look
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
        egress: Egress,
        *,
        proxy: Proxy | None = None,
    ) -> None:
        self._execution = execution
        self._limits = execution.grant.limits
        self._session = session
        self._isolation = isolation
        self._put = put
        self._began = time.monotonic()
        cell = session.cell
        self._watch = Watch(
            cell.pids,
            self._limits,
            self._exceeded,
            cell.group,
            forks=execution.grant.profile == "subprocess",
            deadline=self._began + self._limits.wall_seconds + LATE_SECONDS,
        )
        self._readers = (output.Reader(session.stdout), output.Reader(session.stderr))
        self._stdout = output.Keeping(self._limits.output_bytes)
        self._stderr = output.Keeping(self._limits.output_bytes)
        self._denials = Denials(
            self._limits.file_operations,
            lambda: self._exceeded("file_operations"),
            lambda what: self._end(endings.violated("seccomp", what)),
            network=bool(execution.grant.domains),
        )
        self._connecting = Connecting(egress, execution, self._denials.note, self._end, proxy)
        self._hearing = Hearing(
            session, self._denials, put, self._started, self._end, self._connecting.connect
        )
        self._words = self._hearing.words
        self.staging = self._hearing.staging
        self._ended_by: pb.Outcome | None = None  # the first cause
        self._ending_lock = threading.Lock()

    async def until_reaped(self, watchdog: Watchdog) -> pb.Finished:
        """
        Attend the cell until the zygote has reaped it, and say how it ended.
        """
        telling = asyncio.create_task(self._tell_denials())
        try:
            with watchdog.watching(self._watch), self._ending():
                reaping = await self._attend()
            contacts = await self._connecting.disconnect()  # what it denied last, it tells before
            self._denials.end()
            await telling
        finally:
            await _cancel(telling)
            await self._connecting.disconnect()
        outcome = self._outcome(reaping)
        finished = pb.Finished(
            outcome=outcome,
            usage=self._usage(reaping),
            isolation=self._isolation,
            truncated=self._stdout.truncated or self._stderr.truncated,
            contacts=contacts,
        )
        finished.usage.network_sent_bytes = sum(each.sent_bytes for each in contacts)
        finished.usage.network_received_bytes = sum(each.received_bytes for each in contacts)
        if outcome.HasField("completed"):
            finished.result_json = self._words.result or b""
            finished.result_bytes = len(finished.result_json)
        return finished

    def close(self) -> None:
        """
        Give the folders and the listener back.
        """
        self._denials.close()
        self._hearing.close()

    def _end(self, outcome: pb.Outcome) -> None:
        """
        End the cell.  Called in the loop, and by the watchdog in its thread.
        """
        with self._ending_lock:
            if self._ended_by is None:
                self._ended_by = outcome
        for reader in self._readers:
            reader.hold()
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
        stdout, stderr = self._readers
        readers = [
            asyncio.create_task(self._connecting.connect_proxy()),
            asyncio.create_task(self._hearing.hear()),
            asyncio.create_task(self._pump(stdout, pb.OUTPUT_STREAM_STDOUT, self._stdout)),
            asyncio.create_task(self._pump(stderr, pb.OUTPUT_STREAM_STDERR, self._stderr)),
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
        # Every writer is dead: what is left lies in our buffers.  Its end may never come, because
        # we hold what the tool has sent us of its own ends.
        for each in (session.channel, *self._readers):
            each.finish()
        await asyncio.gather(*readers)
        return reaping

    async def _pump(
        self, reader: output.Reader, stream: pb.OutputStream.ValueType, keeping: output.Keeping
    ) -> None:
        await self._hearing.told_started.wait()  # it comes before what the tool prints
        await output.pump(reader, stream, keeping, self._put, lambda: self._exceeded("output"))

    async def _tell_denials(self) -> None:
        await self._hearing.told_started.wait()  # it comes before what the tool was refused
        await self._denials.tell(self._put)

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
        observed = self._denials.observed
        outcome = judging.judge(self._words, reaping, self._limits, observed=observed)
        return self._denials.explain(outcome)

    def _usage(self, reaping: Reaping | None) -> pb.Usage:
        usage = used(self._watch.peak, reaping)
        usage.processes_peak = max(usage.processes_peak, int(self._words.ready))
        usage.wall.CopyFrom(to_duration(time.monotonic() - self._began))
        usage.stdout_bytes, usage.stderr_bytes = self._stdout.total, self._stderr.total
        usage.result_bytes = len(self._words.result or b"")
        usage.arguments_bytes = len(self._execution.arguments)
        usage.file_operations = self._denials.file_operations
        return usage


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
