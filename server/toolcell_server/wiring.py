"""
How the parts of the server are put together: with `app.py` the only file that knows executors and
gates by their classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.admission import Admission
from toolcell_server.approvals.gate import ApprovalGate
from toolcell_server.approvals.previewing import Previewing
from toolcell_server.approved import ApprovedExecutor
from toolcell_server.arguments.preparing import Preparing
from toolcell_server.audit_gate import AuditGate
from toolcell_server.audited import AuditedExecutor
from toolcell_server.audited_admission import AuditedAdmission
from toolcell_server.breaking.gate import BreakerGate
from toolcell_server.breaking.guarded import GuardedExecutor
from toolcell_server.caching.cached import CachedExecutor
from toolcell_server.charged import ChargedExecutor
from toolcell_server.clocked import ClockedExecutor
from toolcell_server.fallbacks.falling_back import FallingBack
from toolcell_server.fallbacks.fell_back import FellBackExecutor
from toolcell_server.hooks.gate import HookGate
from toolcell_server.hooks.hooked import HookedExecutor
from toolcell_server.hosts.executor import HostedExecutor
from toolcell_server.logged import LoggedExecutor
from toolcell_server.metered import MeteredExecutor
from toolcell_server.queued import QueuedExecutor
from toolcell_server.rates.gate import RateGate
from toolcell_server.rates.places import Places
from toolcell_server.redaction.redacted import RedactedExecutor
from toolcell_server.registering.deprecated import DeprecatedExecutor
from toolcell_server.reported import ReportedExecutor
from toolcell_server.retrying.retried import RetriedExecutor
from toolcell_server.rights_gate import RightsGate
from toolcell_server.sandboxed import SandboxedExecutor
from toolcell_server.screens.screened import ScreenedExecutor
from toolcell_server.screens.screening import Screening
from toolcell_server.sessions.stateful import StatefulExecutor
from toolcell_server.sessions.station import NoSessions
from toolcell_server.sessions.watched import WatchedExecutor
from toolcell_server.timed import TimedExecutor
from toolcell_server.watchdog import Watchdog

if TYPE_CHECKING:
    from toolcell_server.executor import Executor
    from toolcell_server.gates import Gate
    from toolcell_server.made import Made


def admission(app: Made) -> FallingBack:
    """
    Every station between the wire and a cell, for a tool and for its fallback.
    """
    base = Admission(
        tools=app.tools,
        validation=app.validation,
        granting=app.granting,
        capacity=app.capacity,
        opener=app.pool.open,
        gates=gates(app),
        preparing=Preparing(app.settings.arguments),
        **({} if app.hosts is None else {"places_at_hosts": app.hosts.places}),
        sessions=app.sessions or NoSessions(),
    )
    return FallingBack(AuditedAdmission(base, app.auditing), app.registry)


def gates(app: Made) -> tuple[Gate, ...]:
    """
    What the operator has switched on, in the order in which a call meets it.
    """
    return (
        *_hooks(app, "before_admission"),  # alters arguments, so before all that judge them
        *_rules(app),  # may put another tool in the place of this one
        _screening(app),
        *_breaking(app),
        RateGate(app.settings.rates, app.windows, Places(), app.metrics.rates.refused),
        AuditGate(app.auditing),
        _approval(app),  # so late that nobody is asked about a call that is refused anyway
        *_hooks(app, "after_admission"),  # last: when everything has been decided
    )


def _hooks(app: Made, place: str) -> tuple[Gate, ...]:
    if not app.hooks.any_at(place):
        return ()
    may_alter = place == "before_admission"
    return (HookGate(app.hooks, place, app.validation, may_alter),)


def _rules(app: Made) -> tuple[Gate, ...]:
    if not app.rights.depend_on_arguments:
        return ()
    preparing = Preparing(app.settings.arguments)
    return (RightsGate(app.rights, app.tools, app.validation, preparing),)


def _screening(app: Made) -> Gate:
    return Screening(
        app.settings.screens,
        app.settings.arguments.screen_action == "refuse",
        app.metrics.screens.counted,
    )


def _breaking(app: Made) -> tuple[Gate, ...]:
    return () if app.breaker is None else (BreakerGate(app.breaker),)


def _approval(app: Made) -> Gate:
    previewing = Previewing(app.executor, app.capacity, app.pool.open, app.auditing)
    return ApprovalGate(app.demands, app.granting.grant, app.desk, previewing)


def executor(app: Made) -> Executor:
    """
    The chain, from the inside out; the order is explained where each stands.
    """
    executor = _running(app)
    executor = ScreenedExecutor(executor, app.settings.results, app.metrics.screens.counted)
    executor = RedactedExecutor(executor, app.redactor)  # above it, nobody sees a secret
    executor = ClockedExecutor(executor, app.metrics)
    executor = ChargedExecutor(executor)
    executor = RetriedExecutor(executor, app.metrics.repeating.retried)
    executor = ApprovedExecutor(executor)
    if app.breaker is not None:
        executor = GuardedExecutor(executor, app.breaker)
    executor = QueuedExecutor(executor, app.capacity)
    if app.cache is not None:
        executor = CachedExecutor(
            base=executor,
            cache=app.cache,
            metrics=app.metrics.cache,
            unused=app.capacity.unused,
            longest_seconds=app.settings.cache.longest_seconds,
        )
    # Above the cache: what a hook made of a result is for the caller that it was made for.
    if app.hooks.any_at("before_execution", "after_execution"):
        executor = HookedExecutor(executor, app.hooks, app.validation)
    executor = FellBackExecutor(executor, app.metrics.repeating.fell_back)
    executor = DeprecatedExecutor(executor)
    executor = TimedExecutor(executor)
    executor = ReportedExecutor(executor)
    executor = MeteredExecutor(executor, app.metrics, app.statistics)
    if app.auditing:
        executor = AuditedExecutor(executor, app.auditing)
    return LoggedExecutor(executor)


def _running(app: Made) -> Executor:
    """
    What runs: in a cell, in that of a session's interpreter, or at a client.
    """
    watchdog = Watchdog()
    executor: Executor = SandboxedExecutor(app.pool, watchdog, app.validation, app.egress)
    if app.hosts is not None:
        executor = HostedExecutor(executor, app.hosts, app.validation)
    if app.sessions is not None:
        executor = StatefulExecutor(
            executor,
            app.sessions.interpreters,
            pool=app.pool,
            watchdog=watchdog,
            validation=app.validation,
            egress=app.egress,
        )
        executor = WatchedExecutor(executor, app.sessions)
    return executor
