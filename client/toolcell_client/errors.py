"""
What can go wrong, as exceptions.

Theory of operation.  Two planes, as in the contract.  A call that was *refused* ran nothing: that
is a `CallRefused`, and its subclass says why.  A call that *ran* is never an exception by itself:
its `Result` carries the outcome, and only `Result.raise_for_outcome` turns it into an
`ExecutionEnded`.  Between the two stands the network: `ServerUnreachable` when nothing was sent,
`ConnectionLost` when something was, and nobody can tell what became of it.

Machines read classes, `code`, `reason` and `metadata`; the texts are for people and for models.
Every exception can be pickled, because orchestrators use process pools.
"""

from __future__ import annotations

from toolcell_client.approval_refusals import (
    ApprovalAltered,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalPending,
    ApprovalPinWrong,
    ApprovalRefused,
    ApprovalReplayed,
    ApprovalRequired,
    ApprovalSelf,
    ApprovalUnknown,
)
from toolcell_client.ended import (
    ExecutionCancelled,
    ExecutionEnded,
    ExecutionLost,
    LimitExceeded,
    ToolFailed,
    WallViolated,
)
from toolcell_client.refused import (
    CallRefused,
    Draining,
    EventsExpired,
    FieldNotSupported,
    GrantTooWide,
    InvalidArguments,
    InvalidCall,
    IsolationBelowFloor,
    LimitAboveCeiling,
    NoCapacity,
    NotAuthenticated,
    NotPermitted,
    OverQuota,
    PathNotAllowed,
    Quota,
    QuotaExceeded,
    Refusal,
    RequestIdReused,
    ServerFault,
    SwitchedOff,
    ToolBroken,
    ToolUnavailable,
    UnknownExecution,
    UnknownTool,
    Violation,
)
from toolcell_client.unanswered import (
    CallTimedOut,
    ConnectionLost,
    ContractBroken,
    ResultLeftOut,
    ServerUnreachable,
    ToolcellError,
)
from toolcell_client.workflow_refusals import (
    InvalidWorkflow,
    UnknownWorkflow,
    UnknownWorkflowRun,
    WorkflowNotInterrupted,
)

__all__ = [
    "ApprovalAltered",
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalPending",
    "ApprovalPinWrong",
    "ApprovalRefused",
    "ApprovalReplayed",
    "ApprovalRequired",
    "ApprovalSelf",
    "ApprovalUnknown",
    "CallRefused",
    "CallTimedOut",
    "ConnectionLost",
    "ContractBroken",
    "Draining",
    "EventsExpired",
    "ExecutionCancelled",
    "ExecutionEnded",
    "ExecutionLost",
    "FieldNotSupported",
    "GrantTooWide",
    "InvalidArguments",
    "InvalidCall",
    "InvalidWorkflow",
    "IsolationBelowFloor",
    "LimitAboveCeiling",
    "LimitExceeded",
    "NoCapacity",
    "NotAuthenticated",
    "NotPermitted",
    "OverQuota",
    "PathNotAllowed",
    "Quota",
    "QuotaExceeded",
    "Refusal",
    "RequestIdReused",
    "ResultLeftOut",
    "ServerFault",
    "ServerUnreachable",
    "SwitchedOff",
    "ToolBroken",
    "ToolFailed",
    "ToolUnavailable",
    "ToolcellError",
    "UnknownExecution",
    "UnknownTool",
    "UnknownWorkflow",
    "UnknownWorkflowRun",
    "Violation",
    "WallViolated",
    "WorkflowNotInterrupted",
]
