"""
Refusals, as they arrive at a caller over a real connection.
"""

from __future__ import annotations

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
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.refusals import (
    ArgumentsInvalid,
    ArgumentsNotJson,
    ArgumentsTooLarge,
    AuditFailed,
    AuditNotKept,
    BadPageToken,
    CallRefused,
    DomainNotAllowed,
    Draining,
    EventsExpired,
    FieldNotSupported,
    GrantTooWide,
    InvalidField,
    IsolationBelowFloor,
    KeeperDown,
    LimitAboveCeiling,
    NoCapacity,
    NotPermitted,
    PathNotAllowed,
    RequestIdReused,
    SwitchedOff,
    ToolBroken,
    UnknownExecution,
    UnknownTool,
)

if TYPE_CHECKING:
    import grpc

EACH = [
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
    NotPermitted("cancelling executions of others"),
    DomainNotAllowed("a.example:443", "it is denied by the operator", "use another host"),
    PathNotAllowed("/etc/passwd", "it lies in no root"),
    DomainNotAllowed("example.org:443", "it is denied", "use another"),
    RequestIdReused("r-1"),
    SwitchedOff("network"),
    ToolBroken("echo", "line 3: invalid syntax"),
    UnknownExecution("e-1"),
    UnknownTool("ehco", ["echo"]),
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
    assert info.metadata["retryable"] == str(refusal.code == "UNAVAILABLE").lower()
    assert re.fullmatch(r"[A-Z`].*[.]", info.metadata["hint"])
    assert len(info.metadata["spoken"]) < 80
    assert ("RetryInfo" in details) == (refusal.code == "UNAVAILABLE")


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
