"""
Builds the requests of workflows from Python values, and reads what a run came to.  Pure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_client.plain import short_name
from toolcell_client.requests import enum_number

# A mapping, or JSON text.
Definition = Mapping[str, Any] | str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResult:
    """
    How a run ended, or that it waits: `state` is "completed", "failed", "cancelled" or
    "interrupted".  `step` is the one that failed first, or that waits for a decision.
    """

    run_id: str
    state: str
    outputs: Any = None
    step: str = ""
    message: str = ""
    not_compensated: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """
        Whether it completed.
        """
        return self.state == "completed"


def encoded(value: Mapping[str, Any] | str | bytes | None) -> bytes:
    """
    A JSON object as bytes; text and bytes go as they are, for the server to check.

    Raises:
        TypeError: it has a value that JSON does not have.
        ValueError: NaN, infinity or a cycle.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return json.dumps(dict(value or {}), allow_nan=False, ensure_ascii=False).encode()


def run_request(
    what: Definition,
    inputs: Mapping[str, Any] | str | bytes | None,
    version: int,
    request_id: str | None,
    labels: Mapping[str, str] | None,
    *,
    session_id: str = "",
) -> pb.RunWorkflowRequest:
    """
    Asks to run a name, or a definition; `request_id` is made up unless given ("" sends none).

    Raises:
        TypeError: as `encoded`.
        ValueError: as `encoded`.
    """
    request = pb.RunWorkflowRequest(
        version=version,
        inputs_json=encoded(inputs),
        request_id=str(uuid.uuid4()) if request_id is None else request_id,
        labels=labels or {},
        session_id=session_id,
    )
    if isinstance(what, str) and not what.lstrip().startswith("{"):
        request.name = what
    else:
        request.definition_json = encoded(what)
    return request


def resume_request(run_id: str, decision: str | int) -> pb.ResumeWorkflowRunRequest:
    """
    Asks to go on: "retry", "skip" or "fail".

    Raises:
        ValueError: there is no such decision.
    """
    number = pb.ResumeDecision.ValueType(enum_number(pb.ResumeDecision, decision))
    return pb.ResumeWorkflowRunRequest(run_id=run_id, decision=number)


def runs_request(state: str | int, workflow: str, page_size: int) -> pb.ListWorkflowRunsRequest:
    """
    Asks for the first page of runs.
    """
    number = pb.WorkflowRunState.ValueType(enum_number(pb.WorkflowRunState, state or 0))
    return pb.ListWorkflowRunsRequest(state=number, workflow=workflow, page_size=page_size)


class WorkflowReading:
    """
    The state of the stream of one run.
    """

    def __init__(self, run_id: str = "", after_sequence: int = 0) -> None:
        self.run_id = run_id
        self.last_sequence = after_sequence
        self._result: WorkflowResult | None = None

    @property
    def is_over(self) -> bool:
        return self._result is not None

    def take(self, event: pb.RunWorkflowResponse) -> None:
        """
        Note what one event says.
        """
        self.run_id = event.run_id
        self.last_sequence = max(self.last_sequence, event.sequence)
        if event.HasField("finished"):
            told = event.finished
            self._result = WorkflowResult(
                run_id=event.run_id,
                state=short_name(pb.WorkflowRunState, told.state),
                outputs=json.loads(told.outputs_json) if told.outputs_json else None,
                step=told.failed_step,
                message=told.message,
                not_compensated=tuple(told.not_compensated),
            )
        elif event.HasField("interrupted"):
            self._result = WorkflowResult(
                run_id=event.run_id,
                state="interrupted",
                step=event.step,
                message=event.interrupted.message,
            )

    def ended(self) -> WorkflowResult | None:
        return self._result
