"""
Definitions and runs as the contract tells them.  Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from toolcell.v1 import workflow_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from toolcell_server.workflows.definitions_store import Kept
    from toolcell_server.workflows.runs_store import Row

_NANOSECONDS: Final = 10**9


def of_definition(kept: Kept, *, whole: bool = True) -> pb.Workflow:
    """
    A version of a definition; not `whole`: without the definition itself.
    """
    told = pb.Workflow(
        name=kept.name,
        version=kept.version,
        principal=kept.principal,
        description=kept.description,
        definition_json=kept.definition if whole else b"",
    )
    _set(told.defined_time, kept.defined)
    if kept.deleted is not None:
        _set(told.deleted_time, kept.deleted)
    return told


def of_run(row: Row, last_event: bytes) -> pb.WorkflowRun:
    """
    A run, with what its last event says.
    """
    last = pb.RunWorkflowResponse.FromString(last_event)
    told = pb.WorkflowRun(
        run_id=row.run_id,
        workflow=row.workflow,
        version=row.version,
        principal=row.principal,
        request_id=row.request_id,
        state=pb.WorkflowRunState.ValueType(row.state),
        last_sequence=last.sequence,
        labels=json.loads(row.labels),
    )
    _set(told.accepted_time, row.accepted)
    if last.HasField("finished"):
        told.finished.CopyFrom(last.finished)
        told.finished_time.CopyFrom(last.time)
    if last.HasField("interrupted"):
        told.interrupted_step = last.step
        told.interrupted_message = last.interrupted.message
    return told


def _set(time: Timestamp, nanoseconds: int) -> None:
    time.seconds, time.nanos = divmod(nanoseconds, _NANOSECONDS)
