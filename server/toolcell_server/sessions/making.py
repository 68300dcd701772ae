"""
Makes what keeps sessions, from the settings.
"""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING

from toolcell_server import host_ids
from toolcell_server.database import StoreFailed
from toolcell_server.sessions.folders import Folders
from toolcell_server.sessions.recorded import Recorded
from toolcell_server.sessions.sessions import Sessions
from toolcell_server.sessions.store import SessionStore
from toolcell_server.sessions.threads import Threads

if TYPE_CHECKING:
    from toolcell_server.made import Made
    from toolcell_server.policy import Policy


def sessions(app: Made) -> Sessions | None:
    """
    Workspaces that persist across calls, if the operator wants them; `time.time`, because in
    `state_dir` they outlive this process.

    Raises:
        NoSpareIds: we are root, and there are no ids for cells to have.
        StoreFailed: there is no place for them.
    """
    if not app.settings.sessions.enabled:
        return None
    state_dir = app.settings.state_dir
    try:
        folders = Folders.made(state_dir, host_ids.spare_ids())
    except OSError as exc:
        raise StoreFailed(f"the workspaces of sessions have no place: {exc}") from exc
    own = (state_dir, os.path.realpath(state_dir)) if state_dir else ()
    made = Sessions(
        app.settings.sessions,
        SessionStore(app.database),
        folders,
        Threads(),
        clock=time.time,
        record=Recorded(app.metrics.sessions, app.auditing),
        exempt=(folders.top, *own),
    )
    app.metrics.sessions.watch(made)
    return made


def policy(stated: Policy, kept: Sessions | None) -> Policy:
    """
    What the operator allows; and nobody is granted the workspaces of others.
    """
    if kept is None:
        return stated
    return dataclasses.replace(stated, denied_paths=(*stated.denied_paths, kept.folders.top))
