"""
What operators see of workflows: records in the audit log, counts, and lines in the log.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.audit import values
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.workflows.definitions_store import Kept
    from toolcell_server.workflows.runs_store import Row

_log = logging.getLogger(__name__)


class Recording:
    """
    `count` is told how a run ended, `count_step` how a step did: words of `metrics.py`.
    """

    def __init__(
        self,
        auditing: Auditing | None,
        count: Callable[[str], object],
        count_step: Callable[[str], object],
    ) -> None:
        self._auditing = auditing
        self._count = count
        self._count_step = count_step

    def told(self, event: pb.RunWorkflowResponse) -> None:
        """
        Count a step that has ended.
        """
        match event.WhichOneof("event"):
            case "step_skipped":
                self._count_step("skipped")
            case "step_retrying":
                self._count_step("retried")
            case "step_finished":
                completed = event.step_finished.state == pb.STEP_STATE_COMPLETED
                self._count_step("completed" if completed else "failed")

    def defined(self, kept: Kept, caller: Principal, event: str = "defined") -> None:
        """
        A definition is kept, or (`deleted`) is no more.
        """
        digest = hashlib.sha256(kept.definition).hexdigest()
        self._record(event, caller, kept.name, version=kept.version, sha256=digest)

    def begun(self, row: Row, definition: bytes, caller: Principal) -> None:
        about: dict[str, str | int] = {"workflow": row.workflow, "version": row.version}
        about["sha256"] = hashlib.sha256(definition).hexdigest()
        self._record("begun", caller, row.run_id, **about)

    def resumed(self, row: Row, by: Principal, decision: pb.ResumeDecision.ValueType) -> None:
        word = pb.ResumeDecision.Name(decision).removeprefix("RESUME_DECISION_").lower()
        about = {"workflow": row.workflow, "owner": row.principal, "decision": word}
        self._record("resumed", by, row.run_id, **about)

    def interrupted(self, row: Row) -> None:
        self._over(row, "interrupted", "")

    def ended(self, row: Row, finished: pb.WorkflowFinished | None) -> None:
        if finished is not None:
            state = pb.WorkflowRunState.Name(finished.state)
            word = state.removeprefix("WORKFLOW_RUN_STATE_").lower()
            self._over(row, word, finished.message)

    def _over(self, row: Row, outcome: str, message: str) -> None:
        self._count(outcome)
        fields = {"run_id": row.run_id, "workflow": row.workflow, "principal": row.principal}
        _log.info("workflow run %s", outcome, extra={"fields": {**fields, "message": message}})
        self._record(outcome, Principal(name=row.principal), row.run_id, workflow=row.workflow)

    def _record(self, event: str, by: Principal, subject: str, **about: str | int) -> None:
        if self._auditing:
            bounded = {
                name: values.bounded(value) if isinstance(value, str) else value
                for name, value in about.items()
            }
            data = {**bounded, "principal": values.who(by)}
            self._auditing.record(f"workflow.{event}", data, subject)
