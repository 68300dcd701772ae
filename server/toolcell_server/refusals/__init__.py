"""
Refusals: why a call ran nothing.
"""

from toolcell_server.refusals.approvals import (
    ApprovalAltered,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalPending,
    ApprovalPinLocked,
    ApprovalPinWrong,
    ApprovalReplayed,
    ApprovalRequired,
    ApprovalUnknown,
)
from toolcell_server.refusals.arguments import (
    ArgumentsInvalid,
    ArgumentsNotJson,
    ArgumentsTooLarge,
    DomainNotAllowed,
    PathNotAllowed,
    Screened,
)
from toolcell_server.refusals.asking import (
    ApprovalDecided,
    ApprovalSelf,
    ApprovalsNotKept,
    PreviewFailed,
    TooManyApprovals,
)
from toolcell_server.refusals.audit import AuditFailed, AuditNotKept
from toolcell_server.refusals.base import CallRefused
from toolcell_server.refusals.callers import Unauthenticated
from toolcell_server.refusals.executions import (
    Draining,
    EventsExpired,
    KeeperDown,
    NoCapacity,
    RequestIdReused,
    StoreFailed,
    UnknownExecution,
)
from toolcell_server.refusals.fields import (
    BadPageToken,
    FieldNotSupported,
    GrantTooWide,
    InvalidField,
    LimitAboveCeiling,
)
from toolcell_server.refusals.hooks import HookFailed, Vetoed
from toolcell_server.refusals.hosts import (
    HostedNameTaken,
    HostedToolDiffers,
    HostOfferInvalid,
    HostProtocolBroken,
    HostSilent,
    HostSuperseded,
    TooManyHosts,
)
from toolcell_server.refusals.quotas import QuotaExceeded, QuotasUnreliable
from toolcell_server.refusals.registering import (
    DefinitionsInvalid,
    ToolRetired,
    TooManyWatchers,
)
from toolcell_server.refusals.rights import DeniedByRule, MissingScopes, NobodyApproves
from toolcell_server.refusals.tools import (
    IsolationBelowFloor,
    NotPermitted,
    SwitchedOff,
    ToolBroken,
    ToolUnavailable,
    UnknownBundle,
    UnknownTool,
)
from toolcell_server.refusals.uploads import (
    CodeNotLoaded,
    NotSigned,
    UnknownUpload,
    UploadRefused,
    UploadsFull,
)
from toolcell_server.refusals.workflows import (
    TooManyWorkflows,
    UnknownRun,
    UnknownWorkflow,
    WorkflowInvalid,
    WorkflowNotInterrupted,
)

__all__ = [
    "ApprovalAltered",
    "ApprovalDecided",
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalPending",
    "ApprovalPinLocked",
    "ApprovalPinWrong",
    "ApprovalReplayed",
    "ApprovalRequired",
    "ApprovalSelf",
    "ApprovalUnknown",
    "ApprovalsNotKept",
    "ArgumentsInvalid",
    "ArgumentsNotJson",
    "ArgumentsTooLarge",
    "AuditFailed",
    "AuditNotKept",
    "BadPageToken",
    "CallRefused",
    "CodeNotLoaded",
    "DefinitionsInvalid",
    "DeniedByRule",
    "DomainNotAllowed",
    "Draining",
    "EventsExpired",
    "FieldNotSupported",
    "GrantTooWide",
    "HookFailed",
    "HostOfferInvalid",
    "HostProtocolBroken",
    "HostSilent",
    "HostSuperseded",
    "HostedNameTaken",
    "HostedToolDiffers",
    "InvalidField",
    "IsolationBelowFloor",
    "KeeperDown",
    "LimitAboveCeiling",
    "MissingScopes",
    "NoCapacity",
    "NobodyApproves",
    "NotPermitted",
    "NotSigned",
    "PathNotAllowed",
    "PreviewFailed",
    "QuotaExceeded",
    "QuotasUnreliable",
    "RequestIdReused",
    "Screened",
    "StoreFailed",
    "SwitchedOff",
    "TooManyApprovals",
    "TooManyHosts",
    "TooManyWatchers",
    "TooManyWorkflows",
    "ToolBroken",
    "ToolRetired",
    "ToolUnavailable",
    "Unauthenticated",
    "UnknownBundle",
    "UnknownExecution",
    "UnknownRun",
    "UnknownTool",
    "UnknownUpload",
    "UnknownWorkflow",
    "UploadRefused",
    "UploadsFull",
    "Vetoed",
    "WorkflowInvalid",
    "WorkflowNotInterrupted",
]
