"""
How the parts of the server are put together: with `app.py` the only file that knows executors and
gates by their classes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolcell_server import outcomes, recovering
from toolcell_server.admission import Admission
from toolcell_server.clocked import ClockedExecutor
from toolcell_server.executions import Keeping
from toolcell_server.forgetful import Forgetful
from toolcell_server.granting import Granting
from toolcell_server.ledger import Ledger
from toolcell_server.logged import LoggedExecutor
from toolcell_server.metered import MeteredExecutor
from toolcell_server.queued import QueuedExecutor
from toolcell_server.remembering import Remembering
from toolcell_server.retried import RetriedExecutor
from toolcell_server.sandboxed import SandboxedExecutor
from toolcell_server.timed import TimedExecutor
from toolcell_server.watchdog import Watchdog

if TYPE_CHECKING:
    from toolcell_server.app import App
    from toolcell_server.executor import Executor
    from toolcell_server.forgetful import Remembers
    from toolcell_server.gates import Gate
    from toolcell_server.settings import ServerSettings


def admission(app: App) -> Admission:
    """
    Every station between the wire and a cell.
    """
    return Admission(
        tools=app.registry,
        validation=app.validation,
        granting=Granting(policy=app.settings.policy, isolation=app.pool.isolation),
        capacity=app.capacity,
        opener=app.pool.open,
        gates=gates(app),
    )


def gates(_app: App) -> tuple[Gate, ...]:
    """
    What the operator has switched on, in the order in which a call meets it.
    """
    return ()


def executor(app: App) -> Executor:
    """
    The chain, from the inside out; the order is explained where each stands.
    """
    executor: Executor = SandboxedExecutor(app.pool, Watchdog(), app.validation, app.egress)
    executor = ClockedExecutor(executor, app.metrics)
    executor = RetriedExecutor(executor)
    executor = QueuedExecutor(executor, app.capacity)
    executor = TimedExecutor(executor)
    executor = MeteredExecutor(executor, app.metrics)
    return LoggedExecutor(executor)


def remembering(app: App) -> Remembers:
    """
    What outlives the server; executions that it did not outlive the last time get their ending.

    Raises:
        StoreFailed: the database cannot be used.
    """
    settings = app.settings
    if not settings.state_dir:
        return Forgetful()
    ledger = Ledger(app.database)
    app.metrics.records.watch(ledger)
    for lost in recovering.recover(ledger, time.time_ns()):
        app.metrics.ended(lost.tool, outcomes.label(lost.summary.outcome)).inc()
    kept, failed = settings.server.keep_finished_seconds, app.metrics.records.failed
    return Remembering(ledger, settings.records, kept, failed)


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
