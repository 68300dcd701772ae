"""
How the parts of the server are put together: with `app.py` the only file that knows executors and
gates by their classes.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from toolcell_server.admission import Admission
from toolcell_server.authentication.verified import as_is
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
    from collections.abc import AsyncIterator

    from toolcell_server.app import App
    from toolcell_server.authentication.authenticator import Authenticator
    from toolcell_server.authentication.verified import Expand
    from toolcell_server.executor import Executor
    from toolcell_server.gates import Gate
    from toolcell_server.settings import ServerSettings
    from toolcell_server.tls import Tls


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


@contextlib.asynccontextmanager
async def authenticating(app: App) -> AsyncIterator[Authenticator | None]:
    """
    What asks callers who they are, if the operator wants them to be asked.
    """
    if not app.settings.auth.enabled:
        yield None
        return
    # Here: its cryptography takes longer to load than a server without it takes to start.
    from toolcell_server.authentication import making

    auth, metrics = app.settings.auth, app.metrics.authentication
    async with making.authenticating(auth, metrics, expand(app)) as authenticator:
        yield authenticator


def expand(_app: App) -> Expand:
    """
    What the roles of a principal are worth in scopes; asked once for each credential.
    """
    return as_is


def tls(app: App) -> Tls | None:
    """
    The certificates that the server listens with, if it does over TLS.
    """
    if app.settings.tls.certificate is None:
        return None
    from toolcell_server.tls import Tls  # as above

    metrics = app.metrics.authentication
    found = Tls(app.settings.tls, metrics.failing("tls"))
    metrics.show_expiry(found.expires)
    return found


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
