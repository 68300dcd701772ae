"""
How the parts of the server are put together: with `app.py` the only file that knows executors and
gates by their classes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolcell_server.admission import Admission
from toolcell_server.approvals.deciding import Deciding
from toolcell_server.approvals.desk import Desk
from toolcell_server.approvals.gate import ApprovalGate
from toolcell_server.approvals.kinds import Demands
from toolcell_server.approvals.previewing import Previewing
from toolcell_server.approved import ApprovedExecutor
from toolcell_server.clocked import ClockedExecutor
from toolcell_server.executions import Keeping
from toolcell_server.granting import Granting
from toolcell_server.logged import LoggedExecutor
from toolcell_server.metered import MeteredExecutor
from toolcell_server.queued import QueuedExecutor
from toolcell_server.retried import RetriedExecutor
from toolcell_server.sandboxed import SandboxedExecutor
from toolcell_server.timed import TimedExecutor
from toolcell_server.watchdog import Watchdog

if TYPE_CHECKING:
    from toolcell_server.app import App
    from toolcell_server.executor import Executor
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


def gates(app: App) -> tuple[Gate, ...]:
    """
    What the operator has switched on, in the order in which a call meets it.
    """
    return (_approval(app),)  # the last: nobody is asked about a call that is refused anyway


def _approval(app: App) -> Gate:
    granting = Granting(policy=app.settings.policy, isolation=app.pool.isolation)
    previewing = Previewing(app.executor, app.capacity, app.pool.open)
    return ApprovalGate(app.demands, granting.grant, app.desk, previewing)


def desk(app: App) -> Desk:
    """
    Where calls ask for approvals; `time.time`, because approvals outlive this process.
    """
    return Desk(app.settings.approval, app.database, clock=time.time)


def demands(app: App) -> Demands:
    """
    Which calls need an approval.
    """
    section = app.settings.approval
    return Demands(default_for_destructive=section.default_for_destructive, tools=section.tools)


def deciding(app: App) -> Deciding:
    """
    Where approvals are decided.
    """
    return Deciding(app.desk.store, app.database, clock=time.time)


def executor(app: App) -> Executor:
    """
    The chain, from the inside out; the order is explained where each stands.
    """
    executor: Executor = SandboxedExecutor(app.pool, Watchdog(), app.validation, app.egress)
    executor = ClockedExecutor(executor, app.metrics)
    executor = RetriedExecutor(executor)
    executor = ApprovedExecutor(executor)
    executor = QueuedExecutor(executor, app.capacity)
    executor = TimedExecutor(executor)
    executor = MeteredExecutor(executor, app.metrics)
    return LoggedExecutor(executor)


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
