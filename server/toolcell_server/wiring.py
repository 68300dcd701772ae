"""
How the parts of the server are put together: with `app.py` the only file that knows executors and
gates by their classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.admission import Admission
from toolcell_server.clocked import ClockedExecutor
from toolcell_server.executions import Keeping
from toolcell_server.granting import Granting
from toolcell_server.hook_gate import HookGate
from toolcell_server.hooked import HookedExecutor
from toolcell_server.logged import LoggedExecutor
from toolcell_server.metered import MeteredExecutor
from toolcell_server.queued import QueuedExecutor
from toolcell_server.retried import RetriedExecutor
from toolcell_server.rights_gate import RightsGate
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
        tools=app.tools,
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
    return (
        *_hooks(app, "before_admission"),  # alters arguments, so before all that judge them
        *_rules(app),
        *_hooks(app, "after_admission"),  # last: when everything has been decided
    )


def _hooks(app: App, place: str) -> tuple[Gate, ...]:
    if not app.hooks.any_at(place):
        return ()
    may_alter = place == "before_admission"
    return (HookGate(app.hooks, place, app.validation, may_alter),)


def _rules(app: App) -> tuple[Gate, ...]:
    if not app.rights.depend_on_arguments:
        return ()
    return (RightsGate(app.rights, app.tools, app.validation),)


def executor(app: App) -> Executor:
    """
    The chain, from the inside out; the order is explained where each stands.
    """
    executor: Executor = SandboxedExecutor(app.pool, Watchdog(), app.validation, app.egress)
    executor = ClockedExecutor(executor, app.metrics)
    executor = RetriedExecutor(executor)
    if app.hooks.any_at("before_execution", "after_execution"):
        executor = HookedExecutor(executor, app.hooks, app.validation)
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
