"""
The gRPC faces of a server, made from its parts.  Imports gRPC: to be imported late (`app.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server import parts
from toolcell_server.approvals.service import ApprovalService
from toolcell_server.batching.service import BatchService
from toolcell_server.refusing import Refusing
from toolcell_server.registry_service import RegistryService
from toolcell_server.serving import Faces

if TYPE_CHECKING:
    from toolcell_server.app import App
    from toolcell_server.service import ExecutionService


def of(app: App, executions: ExecutionService) -> Faces:
    """
    What is served.
    """
    beginning, refusing = executions.beginning, Refusing(app.auditing)
    return Faces(
        executions=executions,
        batches=BatchService(app.executions, beginning, refusing, app.settings.batch),
        tools=RegistryService(app.tools),
        approvals=ApprovalService(parts.deciding(app)),
    )
