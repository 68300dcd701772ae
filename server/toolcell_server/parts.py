"""
Makes the parts of the server that the settings ask for.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.approvals import telling
from toolcell_server.approvals.deciding import Deciding
from toolcell_server.approvals.desk import Desk
from toolcell_server.approvals.happenings import unrecorded
from toolcell_server.approvals.kinds import Demands
from toolcell_server.approvals.recorded import Recorded
from toolcell_server.audit.auditing import Auditing
from toolcell_server.audit.log import AuditLog
from toolcell_server.breaking.breaker import Breaker
from toolcell_server.bundles.recorded import ReloadRecorded
from toolcell_server.bundles.reloads import Reloads
from toolcell_server.caching.cache import Cache
from toolcell_server.capacity import Capacity
from toolcell_server.carried import REGISTERED
from toolcell_server.executions import Keeping
from toolcell_server.records import recovering
from toolcell_server.records.ahead import Ahead
from toolcell_server.records.forgetful import Forgetful
from toolcell_server.records.ledger import Ledger
from toolcell_server.records.remembering import Remembering
from toolcell_server.registry import Registry
from toolcell_server.rights import Rights
from toolcell_server.statistics.saving import Saving
from toolcell_server.statistics.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from toolcell_server.approvals.happenings import Recorder
    from toolcell_server.made import Made
    from toolcell_server.records.bygone import Bygone
    from toolcell_server.records.forgetful import Remembers
    from toolcell_server.settings import ServerSettings, Settings
    from toolcell_server.tls import Tls
    from toolcell_server.tool import Tool


def registry(app: Made) -> Registry:
    """
    The tools that the bundles offer.
    """
    settings = app.settings
    return Registry(
        settings.defaults,
        settings.ceilings,
        settings.policy.tools_disabled,
        [bundle.name for bundle in app.bundles if bundle.name != REGISTERED],
    )


def reloads(app: Made) -> Reloads:
    """
    What loads the bundles of the settings again; carriers are ours, and do not change.
    """
    bundles = [bundle for bundle in app.bundles if bundle.name != REGISTERED]
    record = ReloadRecorded(app.auditing) if app.auditing else None
    return Reloads(bundles, app.pool, app.registry, app.metrics.reloads, record)


def rights(settings: Settings) -> Rights:
    """
    Who may call what.
    """
    return Rights(
        settings.rights.roles,
        settings.rights.rules,
        settings.rights.anonymous_roles,
        authenticated=settings.auth.enabled,
        environment=settings.environment.value(),
    )


def capacity(app: Made) -> Capacity:
    """
    The places of executions, and its metrics.
    """
    at, refused = app.settings.server, app.metrics.capacity.refused_for
    made = Capacity(at.max_executions, at.queue, at.queue_seconds, refused=refused)
    app.metrics.watch_cells(
        lambda: made.running,
        lambda: made.waiting,
        lambda: made.limit,
        (made.maximum_running, made.maximum_waiting),
    )
    return made


def tls(app: Made) -> Tls | None:
    """
    The certificates that the server listens with, if it does over TLS.
    """
    if app.settings.tls.certificate is None:
        return None
    # Here: its cryptography takes longer to load than a server without it takes to start.
    from toolcell_server.tls import Tls

    metrics = app.metrics.authentication
    found = Tls(app.settings.tls, metrics.failing("tls"))
    metrics.show_expiry(found.expires)
    return found


def desk(app: Made) -> Desk:
    """
    Where calls ask for approvals; `time.time`, because approvals outlive this process.
    """
    record = _recorder(app)

    def redact(tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        redacted = app.redactor.with_keys(tool.redact_keys).json(dict(arguments))
        return telling.masked(tool, redacted)

    return Desk(app.settings.approval, app.database, clock=time.time, record=record, redact=redact)


def demands(app: Made) -> Demands:
    """
    Which calls need an approval.
    """
    section = app.settings.approval
    return Demands(default_for_destructive=section.default_for_destructive, tools=section.tools)


def deciding(app: Made) -> Deciding:
    """
    Where approvals are decided.
    """
    return Deciding(app.desk.store, app.database, clock=time.time, record=_recorder(app))


def _recorder(app: Made) -> Recorder:
    return Recorded(app.auditing) if app.auditing else unrecorded


def cache(app: Made) -> Cache | None:
    """
    Where results are kept, if the operator wants them kept.
    """
    at, metrics = app.settings.cache, app.metrics.cache
    if not at.enabled:
        return None
    made = Cache(at.entries, at.bytes, metrics.dropped)
    metrics.watch(lambda: len(made), lambda: made.size)
    return made


def breaker(app: Made) -> Breaker | None:
    """
    What leaves failing tools alone, if the operator wants that.
    """
    if not app.settings.breaker.enabled:
        return None
    return Breaker(app.settings.breaker.rules(), time.monotonic, app.metrics.circuit_changed)


def statistics(app: Made) -> Statistics:
    """
    What is known of tools from their calls; over a restart, if anything outlives the server.
    """
    saving = Saving(app.database) if app.settings.state_dir else None
    return Statistics(saving, spent=app.metrics.spent)


def auditing(app: Made) -> Auditing | None:
    """
    The audit log, where there is a place for it.
    """
    place = app.settings.audit.place(app.settings.state_dir)
    if not place:
        return None
    log = AuditLog(app.settings.audit, place, app.metrics.audit)

    def redact(value: Any, tool: str, own: Collection[str]) -> Any:
        keys = {key for each in app.registry.everywhere(tool) for key in each.redact_keys}
        return app.redactor.with_keys(keys.union(own)).json(value)

    return Auditing(log, redact)


def ledger(app: Made) -> Ledger | None:
    """
    Where executions are written down, if anything outlives the server.

    Raises:
        StoreFailed: the database cannot be used.
    """
    if not app.settings.state_dir:
        return None
    ahead = Ahead(Path(app.settings.state_dir), full=app.settings.records.synchronous == "full")
    made = Ledger(app.database, ahead)
    app.metrics.records.watch(made)
    return made


def remembering(app: Made) -> Remembers:
    """
    What outlives the server.
    """
    settings = app.settings
    if app.ledger is None:
        return Forgetful()
    kept, failed = settings.server.keep_finished_seconds, app.metrics.records.failed
    return Remembering(app.ledger, settings.records, kept, failed)


def recover(app: Made) -> Sequence[Bygone]:
    """
    End what the last server did not: executions get their ending, and approvals that were reserved
    are used.  After the audit log has begun, which is told, and before anything runs.  Returns the
    executions, to be counted once it is known which tools there are.

    Raises:
        StoreFailed: that cannot be written.
    """
    app.desk.recover()
    if app.ledger is None:
        return ()
    told = app.auditing.interrupted if app.auditing else lambda _: None
    return recovering.recover(app.ledger, time.time_ns(), told)


def keeping(server: ServerSettings) -> Keeping:
    """
    How long executions are remembered.
    """
    return Keeping(
        journal_bytes=server.journal_bytes,
        reattach_grace_seconds=server.reattach_grace_seconds,
        heartbeat_seconds=server.heartbeat_seconds,
        keep_finished_seconds=server.keep_finished_seconds,
    )
