"""
The server of one process: it begins every part, and ends it.  `made.py` makes them, `wiring.py`
says how they hang together.

Theory of operation.  The keeper and the zygotes are started before gRPC is imported, so that they
are exec'd from a process with one thread; what imports gRPC is therefore imported late, below.
Everything that is opened is on one stack, and closed in reverse order whatever happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from toolcell_server import (
    announcing,
    garbage,
    metrics_listener,
    parts,
    unmatched,
    wiring,
)
from toolcell_server.addresses import Address
from toolcell_server.made import Made
from toolcell_server.records import recovering
from toolcell_server.registering import parts as registering
from toolcell_server.shutdown import Shutdown, unless

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from toolcell_server.fallbacks.falling_back import FallingBack
    from toolcell_server.records.bygone import Bygone
    from toolcell_server.service import ExecutionService
    from toolcell_server.settings import Settings

_log = logging.getLogger(__name__)


class App(Made):
    """
    The server of one process: what was made, begun and ended.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: Sequence[Bygone] = ()

    async def run(self, announce: Callable[[str, str], None]) -> int:
        """
        Serve until told to end; `announce(listening, metrics)` is called once it does.

        Returns:
            The exit code: 0 after a drain, 128 + the signal that cut it short.

        Raises:
            AddressTaken: an address cannot be had.
            KeeperFailed: the keeper cannot do its work here.
            NotIsolated: no cell of this host is isolated at all.
            SettingsError: a hook cannot be had.
            StoreFailed: what the last server left cannot be ended.
        """
        shutdown = Shutdown()
        async with contextlib.AsyncExitStack() as opened:
            await self._start_records(opened)
            opened.enter_context(shutdown.listening())
            metrics_at = self._listen_for_prometheus(opened)
            opened.push_async_callback(self.egress.aclose)
            opened.push_async_callback(self.pool.aclose)
            opened.callback(self.hooks.close)
            if await unless(shutdown.asked, self.pool.start()):
                self.levels.check(self.settings.policy.minimum_isolation)
                self.hooks.load()
                self.seen.report_only(on=self.settings.policy.domains_report_only)
                opened.push_async_callback(self.validation.aclose)
                await unless(shutdown.asked, registering.standing(self).load())
                recovering.count(self._lost, self.registry, self.metrics)
                unmatched.warn(self)
                await self._serve(shutdown, lambda listening: announce(listening, metrics_at))
        return 128 + shutdown.number if shutdown.number else 0

    async def _serve(self, shutdown: Shutdown, announce: Callable[[str], None]) -> None:
        from toolcell_server import faces  # see the theory above
        from toolcell_server.guarding import guards
        from toolcell_server.serving import serving

        settings = self.settings.server
        async with (
            guards(self) as around,
            faces.made(self, self._service()) as served,
            serving(settings, served, self.metrics, around, tls=self.tls) as face,
        ):
            self.tell_level = lambda: self._in_background(
                face.show_isolation(self.levels.weakest())
            )
            self.tell_level()
            announcing.log_serving(self, face.address)
            garbage.settle()
            served.begin()
            announce(str(face.address))
            async with self.reloads.watching():
                await shutdown.asked.wait()
            self.registry.changes.close()  # who watches would hold up the end
            _log.info("draining", extra={"fields": {"running": self.executions.running}})
            drain = face.drain(self.executions, settings.drain_seconds, self.hosts)
            if not await unless(shutdown.insisted, drain):
                await face.cut_short(self.executions, self.hosts)

    @contextlib.asynccontextmanager
    async def without_a_face(self) -> AsyncIterator[FallingBack]:
        """
        Everything but the listeners, for as long as the context lasts: for programs that make
        cells of their own and end.

        Raises:
            KeeperFailed: the keeper cannot do its work here.
        """
        async with contextlib.AsyncExitStack() as opened:
            await self._start_records(opened)
            opened.push_async_callback(self.egress.aclose)
            opened.push_async_callback(self.pool.aclose)
            await self.pool.start()
            opened.callback(self.hooks.close)
            self.hooks.load()
            opened.push_async_callback(self.validation.aclose)
            opened.push_async_callback(self.executions.drain, 0.0)
            yield wiring.admission(self)

    def _service(self) -> ExecutionService:
        from toolcell_server.service import ExecutionService  # see the theory above

        admission = wiring.admission(self)
        if not self.auditing:
            return ExecutionService(self.executions, admission)
        told = self.auditing.joined, self.auditing.reached
        return ExecutionService(self.executions, admission, *told)

    async def _start_records(self, opened: contextlib.AsyncExitStack) -> None:
        """
        Before anything that leaves records, and ended after it.
        """
        opened.callback(self.database.close)
        if self.ledger:
            opened.callback(self.ledger.close)
        if self.saved:
            opened.callback(self.saved.save)  # the last second of the quotas
        opened.callback(self.statistics.save)
        if self.auditing:
            self.auditing.start()
            opened.push_async_callback(self.auditing.aclose)
        if self.sessions:
            await opened.enter_async_context(self.sessions.kept())
        self._lost = parts.recover(self)
        opened.callback(self.executions.close)

    def _listen_for_prometheus(self, opened: contextlib.AsyncExitStack) -> str:
        if not self.settings.server.metrics_listen:
            return ""
        address = Address.parse(self.settings.server.metrics_listen)
        listening = metrics_listener.listening(address, self.metrics.registry)
        return str(opened.enter_context(listening))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
