"""
The gRPC faces of a server, made from its parts.  Imports gRPC: to be imported late (`app.py`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from toolcell_server import parts
from toolcell_server.approvals.service import ApprovalService
from toolcell_server.batching.service import BatchService
from toolcell_server.calls.refusing import Refusing
from toolcell_server.hosts import parts as hosting
from toolcell_server.registering import parts as registering
from toolcell_server.registry_service import RegistryService
from toolcell_server.searching.search import Search
from toolcell_server.serving import Faces
from toolcell_server.sessions.service import SessionService
from toolcell_server.workflows import making

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.made import Made
    from toolcell_server.service import ExecutionService


@contextlib.asynccontextmanager
async def made(app: Made, executions: ExecutionService) -> AsyncIterator[Faces]:
    """
    What is served, for as long as the context lasts; then what outlives the server is left to the
    next one.
    """
    beginning, refusing = executions.beginning, Refusing(app.auditing)
    service, desk = None, None
    if app.settings.workflows.enabled:
        service, desk = making.service(app, beginning, refusing)
    try:
        yield Faces(
            executions=executions,
            batches=BatchService(app.executions, beginning, refusing, app.settings.batch),
            tools=RegistryService(
                app.tools,
                app.registrar,
                registering.watching(app),
                supply=registering.supply(app),
                porting=registering.porting(app),
                search=Search(app.registry, app.tools),
                statistics=app.statistics,
                sessions=app.sessions,
            ),
            approvals=ApprovalService(parts.deciding(app)),
            hosts=hosting.service(app),
            sessions=SessionService(app.sessions),
            workflows=service,
            begin=desk.recover if desk else lambda: None,
        )
    finally:
        if desk:
            await desk.aclose()
