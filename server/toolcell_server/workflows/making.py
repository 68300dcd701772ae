"""
Makes what serves workflows, from the parts of a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.sessions.station import NoSessions
from toolcell_server.workflows.callers import Callers
from toolcell_server.workflows.calling import Calls
from toolcell_server.workflows.checking import Checking
from toolcell_server.workflows.defining import Defining
from toolcell_server.workflows.definitions_store import DefinitionsStore
from toolcell_server.workflows.desk import Desk
from toolcell_server.workflows.recording import Recording
from toolcell_server.workflows.runs_store import RunsStore
from toolcell_server.workflows.service import WorkflowService

if TYPE_CHECKING:
    from toolcell_server.calls.beginning import Beginning
    from toolcell_server.calls.refusing import Refusing
    from toolcell_server.made import Made

HOSTS_SECONDS: Final = 60.0  # arbitrary; hosts come back after half a minute at most


def service(app: Made, beginning: Beginning, refusing: Refusing) -> tuple[WorkflowService, Desk]:
    """
    The face, and the runs behind it, which have not been taken up yet.

    Raises:
        StoreFailed: the database cannot be used.
    """
    bounds, metrics = app.settings.workflows, app.metrics.workflows
    keep = app.settings.server.keep_finished_seconds
    recording = Recording(app.auditing, metrics.ended, metrics.step)
    checking = Checking(app.tools, app.validation, bounds)
    calls = Calls(
        app.executions,
        beginning,
        refusing,
        approval_seconds=bounds.approval_seconds,
        capacity_seconds=bounds.capacity_seconds,
        keep_seconds=keep,
        hosts_seconds=HOSTS_SECONDS if app.hosts else 0.0,
    )
    store = RunsStore(app.database)
    desk = Desk(
        store,
        calls=calls,
        checking=checking,
        callers=Callers(app.rights),
        recording=recording,
        bounds=bounds,
    )
    metrics.watch(lambda: desk.running)
    defining = Defining(DefinitionsStore(app.database), recording, bounds.definitions)
    sessions = app.sessions or NoSessions()
    return WorkflowService(
        app.executions, checking, defining, desk, bounds, sessions=sessions
    ), desk
