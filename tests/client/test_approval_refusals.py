"""
Calls that need an approval, as exceptions: what they say, and what they keep to themselves.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import grpc
import pytest
from toolcell_client import ApprovalRequired, Client, as_tool_message
from toolcell_client.errors import ApprovalPinWrong, ApprovalRefused, OverQuota

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

TOKEN = "t0ken" * 8


def refused(server: FakeServer, client: Client, reason: str, **metadata: str) -> ApprovalRefused:
    server.refuse("pay", grpc.StatusCode.FAILED_PRECONDITION, reason, metadata=metadata)
    with pytest.raises(ApprovalRefused) as caught:
        client.run("pay")
    return caught.value


def test_what_a_program_needs_to_ask_a_person_is_on_the_exception(
    server: FakeServer, client: Client
) -> None:
    """
    And the token is in no text that a log or a model gets to see.
    """
    required = refused(
        server,
        client,
        "APPROVAL_REQUIRED",
        kind="confirm",
        approval_id="apr-1",
        approval_token=TOKEN,
        expires_time="2026-01-01T00:00:00Z",
        summary="pay 1: Pays",
        arguments_digest="00",
        hint="Ask.",
    )

    assert isinstance(required, ApprovalRequired)
    assert (required.kind, required.approval_id, required.token) == ("confirm", "apr-1", TOKEN)
    assert (required.expires, required.summary) == ("2026-01-01T00:00:00Z", "pay 1: Pays")
    message = as_tool_message(required)
    assert (message["error"], message["approval_id"]) == ("approval_required", "apr-1")
    assert TOKEN not in f"{required} {required!r} {message} {required.refusal!r}"
    assert pickle.loads(pickle.dumps(required)).token == TOKEN  # our own


@pytest.mark.parametrize(("said", "left"), [("2", 2), ("", 0), ("-1", 0), ("²", 0)])
def test_attempts_that_are_left_are_a_number(
    server: FakeServer, client: Client, said: str, left: int
) -> None:
    """
    Whatever a server says.
    """
    wrong = refused(server, client, "APPROVAL_PIN_WRONG", attempts_left=said)

    assert isinstance(wrong, ApprovalPinWrong)
    assert wrong.attempts_left == left


def test_too_many_that_wait_are_a_quota(server: FakeServer, client: Client) -> None:
    """
    As any other quota, for whoever handles those.
    """
    server.refuse("pay", grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_APPROVALS")

    with pytest.raises(OverQuota):
        client.run("pay")
