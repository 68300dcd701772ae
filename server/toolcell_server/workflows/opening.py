"""
What a new run is: its row in the database, and its first event.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.workflows import plan
from toolcell_server.workflows.log import stamped
from toolcell_server.workflows.progress import Key
from toolcell_server.workflows.runs_store import Row

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.workflows.asked import Asked
    from toolcell_server.workflows.callers import Callers
    from toolcell_server.workflows.checking import Checking


class Opening:
    """
    Makes what a run begins with.
    """

    def __init__(self, checking: Checking, callers: Callers) -> None:
        self._checking = checking
        self._callers = callers

    def row(self, asked: Asked, caller: Principal) -> Row:
        """
        A run as it is written down.
        """
        return Row(
            number=None,
            run_id=str(uuid.uuid4()),
            principal=caller.name,
            caller=self._callers.written(caller),
            workflow=asked.definition.name,
            version=asked.version,
            request_id=asked.request_id,
            fingerprint=asked.fingerprint,
            labels=json.dumps(asked.labels),
            state=pb.WORKFLOW_RUN_STATE_RUNNING,
            accepted=time.time_ns(),
            session_id=asked.session_id,
        )

    def first(self, run_id: str, asked: Asked, caller: Principal) -> pb.RunWorkflowResponse:
        """
        The event that is told first, with the plan.
        """
        steps = [
            pb.PlannedStep(
                name=step.name,
                tool=step.call.tool,
                version=self._checking.version(step.call),
                needs=step.needs,
                repeatable=self._checking.repeatable(step.call, asked.session_id),
            )
            for step in plan.ordered(asked.definition)
        ]
        name, version = asked.definition.name, asked.version
        accepted = pb.WorkflowAccepted(
            workflow=name, version=version, principal=caller.name, steps=steps
        )
        return stamped(run_id, 1, Key(""), accepted=accepted)
