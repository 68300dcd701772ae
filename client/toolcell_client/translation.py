"""
Translates gRPC's errors into ours, at the one edge where they meet.  Pure.

Theory of operation.  A status that carries our ErrorInfo was written by the server: it is a
refusal.  UNAVAILABLE, INTERNAL, UNKNOWN and CANCELLED without one were made by the transport: the
connection broke.  Whether the call had been sent before it broke is told apart by the text, which
gRPC does not promise; an unknown text therefore means "it may have been sent", the careful reading.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    QuotaFailure,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from toolcell_client import errors, unreachable
from toolcell_client.errors import Quota, Refusal, Violation

DOMAIN = "toolcell"
DETAILS_KEY = "grpc-status-details-bin"
NEVER_SENT = (
    "failed to connect to all addresses",
    "connections to all backends failing",
    "DNS resolution failed",
    "errors resolving",
    "empty address list",
)
# How gRPC itself refuses a call, before the server's own code sees it.
TOO_LARGE = "message larger than max"
TOO_LARGE_HINT = "Send less, or a path to the data instead of the data."
TRANSPORT_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    }
)

BY_REASON: dict[str, type[errors.CallRefused]] = {
    "APPROVAL_ALTERED": errors.ApprovalAltered,
    "APPROVAL_DECIDED": errors.ApprovalRefused,
    "APPROVAL_DENIED": errors.ApprovalDenied,
    "APPROVAL_EXPIRED": errors.ApprovalExpired,
    "APPROVAL_PENDING": errors.ApprovalPending,
    "APPROVAL_PIN_LOCKED": errors.ApprovalRefused,
    "APPROVAL_PIN_WRONG": errors.ApprovalPinWrong,
    "APPROVAL_REPLAYED": errors.ApprovalReplayed,
    "APPROVAL_REQUIRED": errors.ApprovalRequired,
    "APPROVAL_SELF": errors.ApprovalSelf,
    "APPROVAL_UNKNOWN": errors.ApprovalUnknown,
    "ARGUMENTS_INVALID": errors.InvalidArguments,
    "ARGUMENTS_NOT_JSON": errors.InvalidArguments,
    "ARGUMENTS_TOO_LARGE": errors.InvalidArguments,
    "DRAINING": errors.Draining,
    "EVENTS_EXPIRED": errors.EventsExpired,
    "FIELD_NOT_SUPPORTED": errors.FieldNotSupported,
    "GRANT_TOO_WIDE": errors.GrantTooWide,
    "ISOLATION_BELOW_FLOOR": errors.IsolationBelowFloor,
    "LIMIT_ABOVE_CEILING": errors.LimitAboveCeiling,
    "NOBODY_APPROVES": errors.ApprovalRefused,
    "NO_CAPACITY": errors.NoCapacity,
    "NOT_PERMITTED": errors.NotPermitted,
    "PATH_NOT_ALLOWED": errors.PathNotAllowed,
    "PREVIEW_FAILED": errors.ApprovalRefused,
    "QUOTA_EXCEEDED": errors.QuotaExceeded,
    "REQUEST_ID_REUSED": errors.RequestIdReused,
    "SCREENED": errors.InvalidArguments,
    "SWITCHED_OFF": errors.SwitchedOff,
    "TOOL_BROKEN": errors.ToolBroken,
    "TOOL_UNAVAILABLE": errors.ToolUnavailable,
    "UNAUTHENTICATED": errors.NotAuthenticated,
    "UNKNOWN_EXECUTION": errors.UnknownExecution,
    "UNKNOWN_RUN": errors.UnknownWorkflowRun,
    "UNKNOWN_TOOL": errors.UnknownTool,
    "UNKNOWN_WORKFLOW": errors.UnknownWorkflow,
    "WORKFLOW_INVALID": errors.InvalidWorkflow,
    "WORKFLOW_NOT_INTERRUPTED": errors.WorkflowNotInterrupted,
}
# For reasons that a newer server has and this client does not know.
BY_CODE: dict[grpc.StatusCode, type[errors.CallRefused]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidCall,
    grpc.StatusCode.PERMISSION_DENIED: errors.NotPermitted,
    grpc.StatusCode.UNAUTHENTICATED: errors.NotAuthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.OverQuota,
    grpc.StatusCode.INTERNAL: errors.ServerFault,
    grpc.StatusCode.UNKNOWN: errors.ServerFault,
}


def translate(error: grpc.RpcError, target: str) -> errors.ToolcellError:
    """
    The exception of ours that says the same.
    """
    code, text = error.code(), error.details() or ""
    status = _rich_status(error)
    details = _Details(status) if status else None
    if details and details.info.domain == DOMAIN:
        return _refused(code, status.message if status else text, details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.CallTimedOut("the server did not answer in time")
    if code in TRANSPORT_CODES:
        return _broken(code, text, target)
    return _refused(code, text, details or _Details(Status()))


def refused(status: Status) -> errors.CallRefused:
    """
    The refusal that a status of the server says.

    Raises:
        KeyError: it has a code that gRPC does not.
    """
    codes = {code.value[0]: code for code in grpc.StatusCode}
    return _refused(codes[status.code], status.message, _Details(status))


def _broken(code: grpc.StatusCode, text: str, target: str) -> errors.ServerUnreachable:
    if code is grpc.StatusCode.UNAVAILABLE and text.startswith(NEVER_SENT):
        return errors.ServerUnreachable(unreachable.sentence(text, target), target)
    return errors.ConnectionLost(
        f"the connection to {target} broke ({code.name}: {text[:200]})", target
    )


class _Details:
    """
    The details of a google.rpc.Status that this client reads, each at most once.
    """

    def __init__(self, status: Status) -> None:
        self.info = ErrorInfo()
        self.retry = RetryInfo()
        self.request = BadRequest()
        self.quota = QuotaFailure()
        for packed in status.details:
            for known in (self.info, self.retry, self.request, self.quota):
                if packed.Is(known.DESCRIPTOR):
                    packed.Unpack(known)

    @property
    def retry_delay(self) -> float | None:
        if not self.retry.HasField("retry_delay"):
            return None
        return float(self.retry.retry_delay.seconds + self.retry.retry_delay.nanos / 1e9)


def _refused(code: grpc.StatusCode, message: str, details: _Details) -> errors.CallRefused:
    metadata = dict(details.info.metadata)
    retryable = metadata.get("retryable", "")
    temporary = code is grpc.StatusCode.UNAVAILABLE or details.retry_delay is not None
    refusal = Refusal(
        code=code,
        message=message,
        reason=details.info.reason,
        metadata=metadata,
        violations=tuple(
            Violation(each.field, each.description) for each in details.request.field_violations
        ),
        quotas=tuple(Quota(each.subject, each.description) for each in details.quota.violations),
        retry_delay=details.retry_delay,
        category=metadata.get("category", "temporary" if temporary else "unknown"),
        retryable=retryable == "true" if retryable else temporary,
        hint=metadata.get("hint", TOO_LARGE_HINT if TOO_LARGE in message else ""),
        spoken=metadata.get("spoken", ""),
    )
    by_code = BY_CODE.get(code, errors.CallRefused)
    return BY_REASON.get(refusal.reason, by_code)(refusal)


def _rich_status(error: Any) -> Status | None:
    """
    The google.rpc.Status in the trailers; None if there is none that can be read.
    """
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None
