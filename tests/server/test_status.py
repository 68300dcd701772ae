"""
Refusals, as they arrive at a caller over a real connection.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc import (
    error_details_pb2,
    status_pb2,
)
from grpc_server import SERVICE, calling, failure
from grpc_status import rpc_status
from scripted_executor import run
from toolcell_server import refusals, status
from toolcell_server.error_table import example
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.refusals import (
    ApprovalAltered,
    ApprovalDecided,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalPending,
    ApprovalPinLocked,
    ApprovalPinWrong,
    ApprovalReplayed,
    ApprovalRequired,
    ApprovalSelf,
    ApprovalsNotKept,
    ApprovalUnknown,
    ArgumentsInvalid,
    ArgumentsNotJson,
    ArgumentsTooLarge,
    AuditFailed,
    AuditNotKept,
    BadPageToken,
    CallRefused,
    CodeNotLoaded,
    DeniedByRule,
    DomainNotAllowed,
    Draining,
    EventsExpired,
    FieldNotSupported,
    GrantTooWide,
    HookFailed,
    HostedNameTaken,
    HostedToolDiffers,
    HostOfferInvalid,
    HostProtocolBroken,
    HostSilent,
    HostSuperseded,
    InvalidField,
    IsolationBelowFloor,
    KeeperDown,
    LimitAboveCeiling,
    MissingScopes,
    NobodyApproves,
    NoCapacity,
    NotPermitted,
    NotSigned,
    PathNotAllowed,
    PreviewFailed,
    QuotaExceeded,
    QuotasUnreliable,
    RequestIdReused,
    StoreFailed,
    SwitchedOff,
    ToolBroken,
    ToolUnavailable,
    TooManyApprovals,
    TooManyHosts,
    TooManyWorkflows,
    Unauthenticated,
    UnknownBundle,
    UnknownExecution,
    UnknownRun,
    UnknownTool,
    UnknownUpload,
    UnknownWorkflow,
    UploadRefused,
    UploadsFull,
    Vetoed,
    WorkflowInvalid,
    WorkflowNotInterrupted,
)
from toolcell_server.refusals.quotas import Spent

if TYPE_CHECKING:
    import grpc

SPENT = Spent(
    subject="principal:alice",
    says="rates[0]: at most 5 calls per minute for each principal",
    kind="calls",
    limit="5",
    remaining="0",
    seconds=12.3451,
)
# A call that is refused with one of these may succeed later.
TEMPORARY = {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}
EACH = [
    ApprovalRequired("pay", "confirm", {"approval_id": "apr-1", "approval_token": "t" * 43}),
    ApprovalPending("apr-1"),
    ApprovalExpired("apr-1"),
    ApprovalReplayed("apr-1"),
    ApprovalAltered("apr-1", "a call that differs from this one"),
    ApprovalDenied("apr-1", "not today"),
    ApprovalUnknown(),
    ApprovalUnknown("apr-1"),
    ApprovalPinWrong("apr-1", 2),
    ApprovalPinWrong("apr-1", 0),
    ApprovalPinLocked("apr-1", 900.0),
    ApprovalSelf("apr-1"),
    ApprovalDecided("apr-1", "is used already", "there is nothing left to decide"),
    TooManyApprovals(20, 120.0),
    ApprovalsNotKept(),
    PreviewFailed("write_file", "failed"),
    ArgumentsInvalid([("arguments_json/path", "must be string")]),
    ArgumentsNotJson("NaN is not JSON", "/a/0"),
    ArgumentsTooLarge(2048, 1024),
    AuditFailed(5.0),
    AuditNotKept("pay"),
    BadPageToken("is malformed"),
    Draining(2.5),
    EventsExpired("e-1", 17),
    FieldNotSupported("session_id"),
    GrantTooWide("writing to '/srv/a'"),
    InvalidField("timeout", "must be positive"),
    IsolationBelowFloor("full", "strong", "resources"),
    LimitAboveCeiling("wall_seconds", 60.0, 30.0),
    KeeperDown(1.0),
    NoCapacity(1.0),
    MissingScopes("fetch", ["web"]),
    DeniedByRule("small-amounts", "amounts above 10 are for people", "/amount"),
    NobodyApproves("approve"),
    HookFailed("my_hooks:before", "gave no answer within 0.5 s"),
    Vetoed("my_hooks:before", "not on Sundays"),
    NotPermitted("cancelling executions of others"),
    DomainNotAllowed("a.example:443", "it is denied by the operator", "use another host"),
    PathNotAllowed("/etc/passwd", "it lies in no root"),
    DomainNotAllowed("example.org:443", "it is denied", "use another"),
    QuotaExceeded([SPENT]),
    QuotasUnreliable(),
    refusals.DigestMismatch("other bytes"),
    refusals.SessionPathBlocked("a/b", "a folder has that name"),
    refusals.SessionsNotListed(),
    refusals.TooManySessions("principal", 16),
    refusals.UnknownSession("s-1"),
    refusals.UnknownSessionFile("a/b", "a link has its name"),
    refusals.WorkspaceFull("it may hold 3 files"),
    refusals.Screened([("arguments_json/q", "sql")]),
    RequestIdReused("r-1"),
    StoreFailed("look the request_id up"),
    SwitchedOff("network"),
    ToolBroken("echo", "line 3: invalid syntax"),
    refusals.ToolRetired("echo", "1", 1_900_000_000.0, "use cat"),
    refusals.DefinitionsInvalid([("definitions[0]/manifest", "MANIFEST_INVALID: no name")]),
    refusals.TooManyWatchers(32),
    ToolUnavailable("echo", 2.5),
    Unauthenticated("expired"),
    UnknownExecution("e-1"),
    UnknownTool("ehco", ["echo"]),
    # As the reference of errors has them.
    *map(
        example,
        (
            CodeNotLoaded,
            HostOfferInvalid,
            HostProtocolBroken,
            HostSilent,
            HostSuperseded,
            HostedNameTaken,
            HostedToolDiffers,
            NotSigned,
            TooManyHosts,
            TooManyWorkflows,
            UnknownBundle,
            UnknownRun,
            UnknownUpload,
            UnknownWorkflow,
            UploadRefused,
            UploadsFull,
            WorkflowInvalid,
            WorkflowNotInterrupted,
        ),
    ),
]


def received(refusal: Exception) -> tuple[grpc.aio.AioRpcError, dict[str, Any]]:
    """
    What a caller gets when a handler raises this: the error, and its details by kind.
    """

    async def handler(_request: bytes, _context: Any) -> bytes:
        raise refusal

    async def scenario() -> grpc.aio.AioRpcError:
        async with calling(ErrorInterceptor(), unary=handler) as channel:
            return await failure(channel.unary_unary(f"/{SERVICE}/Unary")(b""))

    error = run(scenario())
    details = {}
    for packed in rpc_status.from_call(error).details:
        kind = packed.TypeName().removeprefix("google.rpc.")
        assert kind not in details, "each kind of detail comes once at most (AIP-193)"
        details[kind] = getattr(error_details_pb2, kind)()
        packed.Unpack(details[kind])
    return error, details


def test_every_refusal_is_tried_below() -> None:
    """
    A refusal that is added later must be added to the table, or it would go untested.
    """
    assert {type(refusal).__name__ for refusal in EACH} | {"CallRefused"} == set(refusals.__all__)


@pytest.mark.parametrize("refusal", EACH, ids=lambda refusal: type(refusal).__name__)
def test_every_refusal_arrives_with_code_reason_and_what_to_do(refusal: CallRefused) -> None:
    """
    The client, in any language, turns these into an answer that a model can act on.
    """
    error, details = received(refusal)
    info = details["ErrorInfo"]

    assert error.code().name == refusal.code
    assert error.details() == refusal.message
    assert info.domain == "toolcell"
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{1,61}[A-Z0-9]", info.reason)
    assert all(re.fullmatch(r"[a-z][a-zA-Z0-9_-]{0,63}", key) for key in info.metadata)
    assert info.metadata["category"] in {"user", "temporary", "permanent"}
    assert info.metadata["retryable"] == str(refusal.category == "temporary").lower()
    assert re.fullmatch(r"[A-Z`].*[.]", info.metadata["hint"])
    assert len(info.metadata["spoken"]) < 80
    assert ("RetryInfo" in details) == (refusal.category == "temporary")


@pytest.mark.parametrize("refusal", EACH, ids=lambda refusal: type(refusal).__name__)
def test_a_reason_is_the_name_of_its_class(refusal: CallRefused) -> None:
    """
    Reasons are part of the contract: whoever renames a class sees this test fail.
    """
    words = re.findall("[A-Z][a-z]+", type(refusal).__name__)

    assert refusal.reason == "_".join(words).upper()


def test_a_delay_arrives_for_people_for_code_and_for_grpc_itself() -> None:
    """
    A client library that knows nothing of toolcell still waits before it retries.
    """
    error, details = received(Draining(2.5))

    assert details["RetryInfo"].retry_delay.ToMilliseconds() == 2500
    assert ("grpc-retry-pushback-ms", "2500") in list(error.trailing_metadata())


def test_a_quota_arrives_with_whose_it_is_what_it_allows_and_when_to_come_back() -> None:
    """
    The delay is rounded up: a caller who comes back a moment early is refused again.
    """
    _, details = received(QuotaExceeded([SPENT]))
    [violation] = details["QuotaFailure"].violations
    metadata = details["ErrorInfo"].metadata

    assert (SPENT.subject, SPENT.says) == (violation.subject, violation.description)
    assert details["RetryInfo"].retry_delay.ToMilliseconds() == 12346
    assert ["calls", "5", "0", "12.346"] == [
        metadata[key] for key in ("quota", "limit", "remaining", "reset")
    ]


def test_violations_arrive_field_by_field() -> None:
    """
    A model corrects what is named, and only that.
    """
    violations = [("arguments_json/a", "is required"), ("arguments_json/b", "must be string")]
    _, details = received(ArgumentsInvalid(violations))
    found = details["BadRequest"].field_violations

    assert violations == [(violation.field, violation.description) for violation in found]
    assert "violations_left_out" not in details["ErrorInfo"].metadata


def test_what_is_not_there_is_named_as_a_resource() -> None:
    """
    Generic tools for gRPC show ResourceInfo; ours need not be there to understand it.
    """
    _, details = received(UnknownExecution("e-7"))

    assert details["ResourceInfo"].resource_type == "execution"
    assert details["ResourceInfo"].resource_name == "e-7"


LARGE = "✓é" * 5000


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(
            ArgumentsInvalid([(f"arguments_json/{n}", LARGE) for n in range(500)]), id="violations"
        ),
        pytest.param(UnknownTool(LARGE, [LARGE] * 3), id="a name that a caller sent"),
        pytest.param(ToolBroken("a" * 5000, LARGE), id="a reason that a bundle sent"),
        pytest.param(PathNotAllowed(LARGE, LARGE, LARGE), id="a path and its remedy"),
        pytest.param(
            QuotaExceeded([dataclasses.replace(SPENT, subject=LARGE, says=LARGE)] * 9), id="quotas"
        ),
        pytest.param(IsolationBelowFloor(LARGE, LARGE, LARGE), id="three large values"),
    ],
)
def test_however_large_its_parts_a_refusal_arrives_whole(refusal: CallRefused) -> None:
    """
    Beyond its limit gRPC replaces the whole status by "metadata size exceeds hard limit", and the
    caller learns nothing.  Twenty times, because below that limit it may do so at random.
    """
    made = status.to_status(refusal)

    assert len(made.message.encode()) <= status.MAXIMUM_MESSAGE
    assert sum(detail.ByteSize() for detail in made.details) <= status.MAXIMUM_DETAILS
    for _ in range(20):
        error, details = received(refusal)
        assert error.code().name == refusal.code
        assert details["ErrorInfo"].reason == refusal.reason


def test_violations_that_do_not_fit_are_counted() -> None:
    """
    "Two things are wrong", when two hundred are, would send the model around in circles.
    """
    violations = [(f"arguments_json/{number}", "must be string " * 10) for number in range(200)]
    _, details = received(ArgumentsInvalid(violations))
    kept = len(details["BadRequest"].field_violations)

    assert 5 < kept < 200
    assert details["ErrorInfo"].metadata["violations_left_out"] == str(200 - kept)
    assert details["ErrorInfo"].metadata["violations"] == "200"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[2J", id="a terminal escape"),
        pytest.param("a\nb", id="a line feed"),
        pytest.param("\u202e", id="a change of direction"),
        pytest.param("\udc80", id="half a surrogate pair"),
        pytest.param("\0", id="a NUL"),
    ],
)
def test_nothing_that_a_terminal_obeys_arrives(text: str) -> None:
    """
    The message is shown to an operator, and parts of it are a caller's text.
    """
    error, details = received(PathNotAllowed(f"/srv/{text}", f"it {text} lies"))

    assert str(error.details()).isprintable()
    assert all(value.isprintable() for value in details["ErrorInfo"].metadata.values())
    assert details["ResourceInfo"].resource_name.isprintable()


def test_a_fault_of_ours_arrives_as_an_id_and_nothing_else() -> None:
    """
    Texts of exceptions hold paths, arguments and secrets.
    """
    error, details = received(ValueError("the secret is hunter2"))
    seen = f"{error} {details}"

    assert error.code().name == "INTERNAL"
    assert "hunter2" not in seen
    assert "ValueError" not in seen
    assert re.fullmatch(r"[0-9a-f]{32}", details["ErrorInfo"].metadata["error_id"])
    assert details["ErrorInfo"].metadata["error_id"] in str(error.details())


def test_a_status_is_a_google_rpc_status() -> None:
    """
    Its number is the one that gRPC sends; a client in another language reads both.
    """
    made = status.to_status(NotPermitted("x"))

    assert isinstance(made, status_pb2.Status)
    assert made.code == 7
