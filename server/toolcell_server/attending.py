"""
Attends one cell from its start to its end: reads all it says, ends it when something must.

Theory of operation.  Three sources (tool frames, stdout, stderr) are pulled when there is something
to read, and put what they find into an outbox, which the consumer empties; when it does not, the
outbox fills, nothing more is read, and the pipes push back on the tool.  All of it happens in
callbacks of the loop: no task, no queue and, while the tool is silent, no work at all.

Anybody with a reason to end the cell (wall clock, watchdog, output flood, a stop request) records
it once, first cause first, and kills the init; the kernel ends the rest.  The cell is over when the
zygote reports it reaped, never when a pipe closes: a grandchild may hold a pipe, but no process
outlives the init.  Then every writer is dead, and what is left lies in our buffers; its end of file
may never come, because we hold what the tool has sent us of its own ends.  When that is read too,
the outbox ends.

A whole cell that can be nothing but one process asks when it is about to end (`observing.py`).
From then on its end is no news: it is over for its caller, and killed and taken to pieces (1.5 ms)
when the answer has left; unless it has grown large, or there is more to be known of its end.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings, last_look, output
from toolcell_server.connecting import Connecting
from toolcell_server.denials import Denials
from toolcell_server.hearing import Hearing
from toolcell_server.outbox import Outbox
from toolcell_server.reckoning import Reckoning
from toolcell_server.watch import Watch
from toolcell_server.zygote import ZygoteDied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.cells import Reaping
    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.hold import Hold
    from toolcell_server.proxies import Proxy
    from toolcell_server.ticker import Ticker
    from toolcell_server.watchdog import Watchdog

USAGE_SECONDS: Final = 1.0  # arbitrary; how often a running tool's usage is reported


class Attending:
    """
    One cell, with its `hold`, and what is known of it (`reckoning`).  `events` are those of the
    cell, `staging` its folders in which files are staged, by path.
    """

    HEARING: type[Hearing] = Hearing

    def __init__(
        self,
        execution: Execution,
        hold: Hold,
        isolation: pb.IsolationReport,
        egress: Egress,
        proxy: Proxy | None = None,
    ) -> None:
        self._execution = execution
        self._limits = limits = execution.grant.limits
        self.hold = hold
        self._proxy = proxy
        self._is_over = False
        self._watch = Watch.of(execution, hold.cell, self._exceeded)
        self.events = Outbox(self._resume)
        self._denials = Denials(
            limits.file_operations,
            lambda: self._exceeded("file_operations"),
            lambda what: self._end(endings.violated("seccomp", what)),
            self._ending,
            network=bool(execution.grant.domains),
        )
        self._connecting = Connecting(
            egress,
            execution,
            denied=self._denials.note,
            end=self._end,
            connected=self._connected,
            failed=self._failed,
        )
        self._pumps = stdout, stderr = output.pumps(
            hold,
            limits.output_bytes,
            self.events,
            on_flood=lambda: self._exceeded("output"),
            ended_now=self._end_if_over,
            failed=self._failed,
        )
        outputs = stdout.keeping, stderr.keeping
        self.reckoning = Reckoning(execution, isolation, self._watch.peak, self._denials, *outputs)
        self._hearing = self._hearing_of(hold)
        self.staging = self._hearing.staging
        self._sources = (self._hearing, *self._pumps)

    @contextlib.contextmanager
    def watched(self, watchdog: Watchdog, ticker: Ticker) -> Iterator[None]:
        """
        Attend the cell for as long as the context lasts, from which `until_reaped` leaves none.
        """
        stop = self._execution.stop
        with watchdog.watching(self._watch):
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._limits.wall_seconds, self._exceeded, "wall")
            ticker.add(self._tell_usage)
            stop.then(self._stopped)
            try:
                self.hold.cell.reaped.add_done_callback(self._reaped)
                self._connecting.connect_proxy(self._proxy)
                self._hearing.resume()
                yield
            finally:
                timer.cancel()
                ticker.discard(self._tell_usage)
                stop.ignore(self._stopped)
                for source in self._sources:
                    source.close()

    async def until_reaped(self) -> None:
        """
        End the cell if it has not ended, and its connections: its slot is another's only when it
        is gone.
        """
        if not self._is_over:
            self.hold.cell.kill()
            with contextlib.suppress(ZygoteDied):
                await asyncio.shield(self.hold.cell.reaped)
        if self._connecting.is_used:
            await self._connecting.disconnect()

    async def finished(self) -> pb.Finished:
        """
        How it ended, once its events have.  What the egress denied last is an event by then.
        """
        return self.reckoning.finished(await self._connecting.disconnect())

    def close(self) -> None:
        """
        Give the folders and the listener back, and all that is known.  Does nothing the second
        time.
        """
        if not vars(self):
            return
        if self.hold.cell.dismissed:  # first: it would hear that nobody listens
            self.hold.cell.kill()
        self._denials.close()
        self._hearing.give_back()
        # Our parts call us back: what they hold, a result of megabytes for one, would wait for the
        # garbage collector.
        vars(self).clear()

    def _hearing_of(self, hold: Hold) -> Hearing:
        return self.HEARING(
            hold,
            self._denials,
            self._connecting,
            self.events,
            self.reckoning.words,
            started=self.reckoning.started,
            told_started=self._told_started,
            end=self._end,
            ended_now=self._end_if_over,
            failed=self._failed,
        )

    def _end(self, outcome: pb.Outcome) -> None:
        """
        End the cell.  Called in the loop, and by the watchdog in its thread.
        """
        self.reckoning.end_by(outcome)
        for pump in self._pumps:
            pump.hold()
        self.hold.cell.kill()

    def _stopped(self) -> None:
        self._end(endings.cancelled(self._execution.stop.reason))

    def _exceeded(self, limit: str) -> None:
        self._end(endings.exceeded(limit, self._limits))

    def _failed(self, error: BaseException) -> None:
        """
        An error of ours: no ending that we could tell would be true.
        """
        self.hold.cell.kill()
        self.events.end(error)

    def _reaped(self, reaped: asyncio.Future[Reaping]) -> None:
        """
        Every writer is dead.
        """
        account = not reaped.cancelled() and reaped.exception() is None
        self._over(reaped.result() if account else None)

    def _ending(self, code: int) -> bool:
        """
        The only process of the cell is about to end with an exit code: whether we wait no longer.
        """
        cell = self.hold.cell
        self._hearing.pull()  # what it has said before
        ready = self.hold.whole and self.reckoning.words.ready
        if not ready or cell.group is not None or self._connecting.is_used:
            return False
        account = last_look.account(cell.pids[1], code)
        if account is not None:
            cell.dismissed = True
            cell.reaped.remove_done_callback(self._reaped)
            self._over(account)
        return account is not None

    def _over(self, account: Reaping | None) -> None:
        self._is_over = True
        self.reckoning.ended(account)
        for source in self._sources:
            source.finish()
        self._end_if_over()

    def _end_if_over(self) -> None:
        over = self._is_over and not self._connecting.is_busy
        if over and all(source.ended for source in self._sources):
            self.events.end()

    def _resume(self) -> None:
        for source in self._sources:
            source.resume()

    def _connected(self) -> None:
        self._hearing.resume()
        self._end_if_over()

    def _told_started(self) -> None:
        """
        Now may come what the tool prints, and what it was refused.
        """
        for pump in self._pumps:
            pump.start()
        self._denials.tell(self.events.put)

    def _tell_usage(self) -> None:
        if not self.events.is_full():
            self.events.put(pb.ExecuteResponse(usage=self.reckoning.usage()))
