"""
gRPC's errors as ours, over a real socket.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import ToolcellError, as_tool_message, errors, to_model_text
from toolcell_client.testing import completed, exceeded, failed, stdout

if TYPE_CHECKING:
    from toolcell_client import Client
    from toolcell_client.testing import FakeServer

CODES = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (CODES.INVALID_ARGUMENT, "ARGUMENTS_INVALID", errors.InvalidArguments),
        (CODES.INVALID_ARGUMENT, "ARGUMENTS_NOT_JSON", errors.InvalidArguments),
        (CODES.INVALID_ARGUMENT, "ARGUMENTS_TOO_LARGE", errors.InvalidArguments),
        (CODES.INVALID_ARGUMENT, "FIELD_NOT_SUPPORTED", errors.FieldNotSupported),
        (CODES.INVALID_ARGUMENT, "LIMIT_ABOVE_CEILING", errors.LimitAboveCeiling),
        (CODES.INVALID_ARGUMENT, "GRANT_TOO_WIDE", errors.GrantTooWide),
        (CODES.INVALID_ARGUMENT, "REQUEST_ID_REUSED", errors.RequestIdReused),
        (CODES.INVALID_ARGUMENT, "INVALID_FIELD", errors.InvalidCall),
        (CODES.INVALID_ARGUMENT, "BAD_PAGE_TOKEN", errors.InvalidCall),
        (CODES.INVALID_ARGUMENT, "SCREENED", errors.InvalidArguments),
        (CODES.FAILED_PRECONDITION, "NOBODY_APPROVES", errors.ApprovalRefused),
        (CODES.FAILED_PRECONDITION, "PREVIEW_FAILED", errors.ApprovalRefused),
        (CODES.RESOURCE_EXHAUSTED, "TOO_MANY_APPROVALS", errors.OverQuota),
        (CODES.PERMISSION_DENIED, "VETOED", errors.NotPermitted),
        (CODES.PERMISSION_DENIED, "DENIED_BY_RULE", errors.NotPermitted),
        (CODES.PERMISSION_DENIED, "MISSING_SCOPES", errors.NotPermitted),
        (CODES.PERMISSION_DENIED, "NOT_PERMITTED", errors.NotPermitted),
        (CODES.PERMISSION_DENIED, "PATH_NOT_ALLOWED", errors.PathNotAllowed),
        (CODES.UNAUTHENTICATED, "SOME_NEW_REASON", errors.NotAuthenticated),
        (CODES.NOT_FOUND, "UNKNOWN_TOOL", errors.UnknownTool),
        (CODES.NOT_FOUND, "UNKNOWN_EXECUTION", errors.UnknownExecution),
        (CODES.NOT_FOUND, "SOME_NEW_REASON", errors.CallRefused),
        (CODES.OUT_OF_RANGE, "EVENTS_EXPIRED", errors.EventsExpired),
        (CODES.FAILED_PRECONDITION, "TOOL_BROKEN", errors.ToolBroken),
        (CODES.FAILED_PRECONDITION, "SWITCHED_OFF", errors.SwitchedOff),
        (CODES.FAILED_PRECONDITION, "ISOLATION_BELOW_FLOOR", errors.IsolationBelowFloor),
        (CODES.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", errors.QuotaExceeded),
        (CODES.RESOURCE_EXHAUSTED, "SOME_NEW_REASON", errors.OverQuota),
        (CODES.INTERNAL, "INTERNAL", errors.ServerFault),
        (CODES.RESOURCE_EXHAUSTED, "", errors.OverQuota),
        (CODES.UNIMPLEMENTED, "", errors.CallRefused),
        (CODES.UNAUTHENTICATED, "", errors.NotAuthenticated),
    ],
    ids=lambda value: value.name if isinstance(value, CODES) else str(value),
)
def test_a_refusal_has_the_class_that_its_reason_names(
    server: FakeServer, client: Client, code: CODES, reason: str, expected: type
) -> None:
    """
    A reason this client does not know falls back to its code; details may be missing altogether.
    """
    server.tool("echo", completed())
    server.refuse("echo", code, reason)

    with pytest.raises(errors.CallRefused) as caught:
        client.run("echo")

    assert type(caught.value) is expected
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_a_refusal_carries_everything_the_server_said(server: FakeServer, client: Client) -> None:
    """
    Nobody should have to parse the message.
    """
    server.tool("echo", completed())
    said = {"hint": "Wait.", "spoken": "Busy.", "category": "temporary", "retryable": "true"}
    server.refuse("echo", CODES.UNAVAILABLE, "DRAINING", times=9, metadata=said, retry_delay=60)

    with pytest.raises(errors.Draining) as caught:
        client.run("echo", timeout=1)

    refused = caught.value
    assert (refused.hint, refused.spoken) == ("Wait.", "Busy.")
    assert (refused.category, refused.retryable, refused.retry_delay) == ("temporary", True, 60)


def test_a_message_larger_than_the_client_receives_is_a_refusal(
    server: FakeServer, client: Client
) -> None:
    """
    GRPC itself reports it, without details; it must not look like a lost connection.
    """
    server.tool("large", completed("x" * 17 * 2**20))

    with pytest.raises(errors.OverQuota):
        client.run("large")


@pytest.mark.parametrize("kind", ["refused", "ended", "unreachable", "lost"])
def test_every_error_survives_pickling(server: FakeServer, client: Client, kind: str) -> None:
    """
    Orchestrators pass errors between processes.
    """
    server.tool("bad", failed("oh"))
    error: Any = {
        "unreachable": errors.ServerUnreachable("none", "t"),
        "lost": errors.ConnectionLost("cut", "t", "e"),
    }.get(kind)
    try:
        client.run("bad" if kind == "ended" else "nothing").raise_for_outcome()
    except ToolcellError as exc:
        error = error or exc

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy)) == (type(error), str(error))
    assert getattr(copy, "execution_id", "") == getattr(error, "execution_id", "")


def test_a_model_reads_a_refusal(server: FakeServer, client: Client) -> None:
    """
    What is wrong and what to do, without ids or codes.
    """
    server.tool("echo", completed())
    server.refuse(
        "echo",
        CODES.INVALID_ARGUMENT,
        "ARGUMENTS_INVALID",
        message="the arguments fail the tool's schema",
        metadata={"hint": "Correct them.", "retryable": "false"},
        violations=[("arguments_json/a", "must be a string")],
    )

    with pytest.raises(ToolcellError) as caught:
        client.run("echo")

    assert as_tool_message(caught.value) == {
        "ok": False,
        "error": "arguments_invalid",
        "message": "the arguments fail the tool's schema",
        "retryable": False,
        "hint": "Correct them.",
        "violations": [{"field": "arguments_json/a", "description": "must be a string"}],
    }


def test_a_quota_says_when_to_come_back_and_is_not_waited_for(
    server: FakeServer, client: Client
) -> None:
    """
    It may be hours: that is for the caller to decide, and a model is told.
    """
    server.tool("echo", completed())
    server.refuse(
        "echo",
        CODES.RESOURCE_EXHAUSTED,
        "QUOTA_EXCEEDED",
        message="quota exceeded",
        metadata={"category": "temporary", "retryable": "true"},
        quotas=[("principal:alice", "at most 5 calls per minute")],
        retry_delay=0.25,
    )

    with pytest.raises(errors.QuotaExceeded) as caught:
        client.run("echo", timeout=30)
    again = client.run("echo")  # refused once: nobody has asked a second time in between

    assert caught.value.quotas == (errors.Quota("principal:alice", "at most 5 calls per minute"),)
    assert (caught.value.retry_delay, caught.value.retryable) == (0.25, True)
    assert as_tool_message(caught.value)["retry_after_seconds"] == 0.25
    assert again.ok


def test_a_model_reads_an_ending(server: FakeServer, client: Client) -> None:
    """
    The output of a tool that failed often says why; a long one is cut in the middle.
    """
    server.tool("good", completed({"n": 1}))
    server.tool("slow", stdout(b"a" * 9000), exceeded("wall", 5))

    assert to_model_text(client.run("good")) == '{"ok": true, "result": {"n": 1}}'
    message = as_tool_message(client.run("slow"))
    assert (message["error"], message["retryable"]) == ("exceeded(wall)", False)
    assert "7000 characters left out" in message["stdout"]
    assert len(message["stdout"]) < 2100


def test_a_model_does_not_read_of_what_was_only_reported(
    server: FakeServer, client: Client
) -> None:
    """
    The tool had it: there is nothing to do differently.
    """
    denied = pb.Denied(operation="connect", target="a.example:443")
    reported = pb.Denied(operation="connect", target="b.example:443", reported_only=True)
    server.tool("slow", reported, denied, exceeded("wall", 5))
    result = client.run("slow")

    assert [True, False] == [each.reported_only for each in result.denials]
    assert ["a.example:443"] == [each["target"] for each in as_tool_message(result)["denials"]]


def test_a_model_reads_that_nobody_answered() -> None:
    """
    The loop of an agent goes on without the tool.
    """
    message = as_tool_message(errors.ServerUnreachable("no toolcell server at x", "x"))

    assert (message["ok"], message["error"]) == (False, "unreachable")
    assert message["message"] == "no toolcell server at x"
