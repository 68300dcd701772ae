"""
The composition root: it makes every part, and ends it.  `wiring.py` says how they hang together.

Theory of operation.  The keeper and the zygotes are started before gRPC is imported, so that they
are exec'd from a process with one thread; what imports gRPC is therefore imported late, below.
Everything that is opened is on one stack and closed in reverse order, whatever happened: the gRPC
server, the validators, the zygotes with their cells, the metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2

from toolcell_server import (
    garbage,
    instructions,
    isolation_check,
    metrics_listener,
    parts,
    unmatched,
    wiring,
)
from toolcell_server.addresses import Address
from toolcell_server.carried import REGISTERED
from toolcell_server.control_groups import ControlGroups
from toolcell_server.database import Database
from toolcell_server.egress_process import Egress
from toolcell_server.egress_seen import EgressSeen
from toolcell_server.executions import Executions
from toolcell_server.granting import Granting
from toolcell_server.hooks.hooks import Hooks
from toolcell_server.keeper import Keeper
from toolcell_server.levels import Levels
from toolcell_server.metrics import Metrics
from toolcell_server.permitted import PermittedTools
from toolcell_server.pool import Pool
from toolcell_server.rates.clock import steady
from toolcell_server.rates.memory import MemoryWindows
from toolcell_server.rates.saved import Saved
from toolcell_server.shutdown import Shutdown, unless
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from toolcell_server.fallbacks.falling_back import FallingBack
    from toolcell_server.service import ExecutionService
    from toolcell_server.settings import Settings

_log = logging.getLogger(__name__)


class App:
    """
    The server of one process, made from its settings.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database.opened(
            settings.state_dir, full=settings.records.synchronous == "full"
        )
        self.redactor = instructions.redactor(settings)
        self.metrics = Metrics()
        self.saved = Saved(self.database) if settings.state_dir else None
        self.windows = MemoryWindows(steady(), self.saved)
        self.auditing = parts.auditing(self)
        self.tls = parts.tls(self)
        self.bundles = instructions.of_bundles(settings)
        self.registry = parts.registry(self)
        self.rights = parts.rights(settings)
        self.tools = PermittedTools(self.registry, self.rights)
        self.hooks = Hooks.of(settings.middleware)
        self.pool = Pool(
            self.bundles,
            Keeper(instructions.of_keeper()),
            self._publish,
            lambda bundle: self.metrics.cells.zygote_restarts.labels(bundle).inc(),
            ControlGroups(),
        )
        self.granting = Granting(policy=settings.policy, isolation=self.pool.isolation)
        self.levels = Levels(self.pool, self.registry)
        self.capacity = parts.capacity(self)
        self.cache = parts.cache(self)
        self.breaker = parts.breaker(self)
        self.validation = Validation()
        self.seen = EgressSeen(self.metrics, self.redactor.json)
        self.egress = Egress(instructions.of_egress(settings), self.seen)
        self.desk, self.demands = parts.desk(self), parts.demands(self)
        self.executor = wiring.executor(self)
        self.ledger = parts.ledger(self)
        self.executions = Executions(
            self.executor, parts.keeping(settings.server), parts.remembering(self)
        )
        self._tell_level: Callable[[], None] = _nobody_asks
        self._tasks: set[asyncio.Task[None]] = set()

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
            self._start_records(opened)
            opened.enter_context(shutdown.listening())
            metrics_at = self._listen_for_prometheus(opened)
            opened.push_async_callback(self.egress.aclose)
            opened.push_async_callback(self.pool.aclose)
            opened.callback(self.hooks.close)
            if await unless(shutdown.asked, self.pool.start()):
                self.levels.check(self.settings.policy.minimum_isolation)
                self.hooks.load()
                self.seen.report_only(on=self.settings.policy.domains_report_only)
                unmatched.warn(self)
                opened.push_async_callback(self.validation.aclose)
                await self._serve(shutdown, lambda listening: announce(listening, metrics_at))
        return 128 + shutdown.number if shutdown.number else 0

    async def _serve(self, shutdown: Shutdown, announce: Callable[[str], None]) -> None:
        from toolcell_server.approvals.service import ApprovalService  # see the theory above
        from toolcell_server.guarding import guards
        from toolcell_server.registry_service import RegistryService
        from toolcell_server.serving import Faces, serving

        settings = self.settings.server
        faces = Faces(
            executions=self._service(),
            tools=RegistryService(self.tools),
            approvals=ApprovalService(parts.deciding(self)),
        )
        async with (
            guards(self) as around,
            serving(settings, faces, self.metrics, around, tls=self.tls) as face,
        ):
            self._tell_level = lambda: self._in_background(
                face.show_isolation(self.levels.weakest())
            )
            self._tell_level()
            self._log_serving(face.address)
            garbage.settle()
            announce(str(face.address))
            await shutdown.asked.wait()
            _log.info("draining", extra={"fields": {"running": self.executions.running}})
            drain = face.drain(self.executions, settings.drain_seconds)
            if not await unless(shutdown.insisted, drain):
                await face.cut_short(self.executions)

    @contextlib.asynccontextmanager
    async def without_a_face(self) -> AsyncIterator[FallingBack]:
        """
        Everything but the listeners, for as long as the context lasts: for programs that make
        cells of their own and end.

        Raises:
            KeeperFailed: the keeper cannot do its work here.
        """
        async with contextlib.AsyncExitStack() as opened:
            self._start_records(opened)
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

    def _start_records(self, opened: contextlib.AsyncExitStack) -> None:
        """
        Before anything that leaves records, and ended after it.
        """
        opened.callback(self.database.close)
        if self.ledger:
            opened.callback(self.ledger.close)
        if self.saved:
            opened.callback(self.saved.save)  # the last second of the quotas
        if self.auditing:
            self.auditing.start()
            opened.push_async_callback(self.auditing.aclose)
        parts.recover(self)
        opened.callback(self.executions.close)

    def _listen_for_prometheus(self, opened: contextlib.AsyncExitStack) -> str:
        if not self.settings.server.metrics_listen:
            return ""
        address = Address.parse(self.settings.server.metrics_listen)
        listening = metrics_listener.listening(address, self.metrics.registry)
        return str(opened.enter_context(listening))

    def _publish(self, bundle: str, catalogue: dict[str, Any]) -> None:
        """
        Take what a bundle's zygote has loaded, and what its cells' walls are.
        """
        if bundle != REGISTERED:  # carriers are called by no name of their own
            self.registry.replace(bundle, catalogue)
        self.metrics.show_isolation(bundle, self.pool.isolation(bundle).to_proto())
        self.metrics.show_tools(self.registry)
        self._tell_level()
        for tool in self.registry.tools():
            if tool.bundle == bundle and tool.broken_reason:
                fields = {"bundle": bundle, "tool": tool.name, "reason": tool.broken_reason}
                _log.warning("broken tool", extra={"fields": fields})

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _log_serving(self, address: Address) -> None:
        fields: dict[str, Any] = {
            "address": str(address),
            "tools": self.registry.count(registry_pb2.TOOL_STATE_AVAILABLE),
            "broken": self.registry.count(registry_pb2.TOOL_STATE_BROKEN),
        }
        for bundle in self.bundles:
            level = isolation_check.level_name(self.pool.isolation(bundle.name))
            fields[f"isolation_{bundle.name}"] = level
        _log.info("serving", extra={"fields": fields})


def _nobody_asks() -> None:
    """
    Before it listens, and in programs that never do, nobody asks after the health.
    """
