"""
Every part of the server, made from its settings and not yet begun.

Theory of operation.  The parts are made in the order in which they need each other: what outlives
the server, the tools, what makes cells, what stands between a call and its run, and the runs
themselves.  None of them does anything before `app.py` begins it, but for the database, which is
opened, and the certificates, which are read: without either there is no server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_server import announcing, instructions, parts, wiring
from toolcell_server.carried import REGISTERED
from toolcell_server.control_groups import ControlGroups
from toolcell_server.database import Database
from toolcell_server.egress_process import Egress
from toolcell_server.egress_seen import EgressSeen
from toolcell_server.executions import Executions
from toolcell_server.granting import Granting
from toolcell_server.hooks.hooks import Hooks
from toolcell_server.hosts import parts as hosting
from toolcell_server.keeper import Keeper
from toolcell_server.levels import Levels
from toolcell_server.metrics import Metrics
from toolcell_server.permitted import PermittedTools
from toolcell_server.pool import Pool
from toolcell_server.rates.clock import steady
from toolcell_server.rates.memory import MemoryWindows
from toolcell_server.rates.saved import Saved
from toolcell_server.registering import parts as registering
from toolcell_server.registering.turns import Turns
from toolcell_server.sessions import making as sessions
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from toolcell_server.bundles.outliving import Loaded
    from toolcell_server.settings import Settings


class Made:
    """
    The parts of one server.

    Raises:
        SettingsError: one of them cannot be made as the settings have it.
        StoreFailed: the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.redactor = instructions.redactor(settings)
        self.tell_level: Callable[[], None] = _nobody_asks
        self._make_records()
        self._make_tools()
        self._make_cells()
        self._make_governance()
        self._make_executions()

    def _make_records(self) -> None:
        settings = self.settings
        self.database = Database.opened(
            settings.state_dir, full=settings.records.synchronous == "full"
        )
        self.saved = Saved(self.database) if settings.state_dir else None
        self.windows = MemoryWindows(steady(), self.saved)
        self.auditing = parts.auditing(self)
        self.statistics = parts.statistics(self)
        self.ledger = parts.ledger(self)
        self.sessions = sessions.sessions(self)

    def _make_tools(self) -> None:
        self.bundles = instructions.of_bundles(self.settings)
        self.registry = parts.registry(self)
        self.rights = parts.rights(self.settings)
        self.tools = PermittedTools(self.registry, self.rights)
        self.authority, self.turns = registering.authority(self), Turns()
        self.uploads = registering.uploads(self)
        self.hosts = hosting.hosts(self)

    def _make_cells(self) -> None:
        self.pool = Pool(
            self.bundles,
            Keeper(instructions.of_keeper()),
            self._publish,
            lambda bundle: self.metrics.cells.zygote_restarts.labels(bundle).inc(),
            ControlGroups(),
        )
        self.reloads = parts.reloads(self)
        carriers = [bundle.name for bundle in self.bundles if bundle.name == REGISTERED]
        self.levels = Levels(self.pool, self.registry, tuple(carriers))
        self.seen = EgressSeen(self.metrics, self.redactor.json)
        self.egress = Egress(instructions.of_egress(self.settings), self.seen)
        self.validation = Validation()

    def _make_governance(self) -> None:
        self.tls = parts.tls(self)
        self.hooks = Hooks.of(self.settings.middleware)
        policy = sessions.policy(self.settings.policy, self.sessions)
        self.granting = Granting(policy=policy, isolation=hosting.isolation(self))
        self.capacity = parts.capacity(self)
        self.cache = parts.cache(self)
        self.breaker = parts.breaker(self)
        self.desk, self.demands = parts.desk(self), parts.demands(self)

    def _make_executions(self) -> None:
        self.executor = wiring.executor(self)
        self.registrar = registering.registrar(self)  # some of whose sources run what they look at
        registering.follow_sessions(self)
        self.executions = Executions(
            self.executor, parts.keeping(self.settings.server), parts.remembering(self)
        )

    def _publish(self, bundle: str, catalogue: dict[str, Any], loaded: Loaded) -> Collection[int]:
        """
        Take what a bundle's zygote has loaded, and what its cells' walls are; the generations of
        the bundle that serve a tool.
        """
        serving: Collection[int] = ()
        if bundle != REGISTERED:  # carriers are called by no name of their own
            serving = self.registry.replace(bundle, catalogue, loaded)
        self.metrics.show_isolation(bundle, self.pool.isolation(bundle).to_proto())
        self.metrics.show_tools(self.registry)
        self.tell_level()
        announcing.log_broken(self.registry, bundle)
        return serving


def _nobody_asks() -> None:
    """
    Before it listens, and in programs that never do, nobody asks after the health.
    """
