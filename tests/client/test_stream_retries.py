"""
What is tried again before a call is accepted, and what is not.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
import pytest
from toolcell_client import Client, ConnectionLost, ServerUnreachable, errors
from toolcell_client.testing import HOLD, completed, stderr, stdout

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))
STEPS = (HOLD, stdout(b"1"), HOLD, stdout(b"2"), HOLD, completed(2))


def test_without_a_request_id_a_break_before_acceptance_is_not_tried_again(
    server: FakeServer, client: Client
) -> None:
    """
    The tool may have run; only the caller can know whether a second run does harm.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", 0)

    with pytest.raises(ConnectionLost, match="whether the tool ran is not known"):
        client.execute("echo", request_id="").result()

    assert len(server.requests) == 1


def test_a_call_that_the_server_does_not_know_is_not_sent_twice(
    server: FakeServer, client: Client
) -> None:
    """
    The server may have been started again in between, and have run it before.
    """
    server.tool("echo", *SCRIPT)
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(ConnectionLost, match="whether the tool ran is not known"):
        client.execute("echo").result()

    assert len(server.requests) == 1


def test_a_refusal_for_want_of_capacity_is_tried_again_after_its_delay(
    server: FakeServer, client: Client
) -> None:
    """
    The server asked for the delay; the same request_id goes with every attempt.
    """
    server.tool("echo", *SCRIPT)
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE, "NO_CAPACITY", times=2, retry_delay=0.3)

    began = time.monotonic()
    result = client.execute("echo").result()

    assert result.ok
    assert time.monotonic() - began >= 0.6
    assert len({request.request_id for request in server.requests}) == 1
    assert len(server.requests) == 3


def test_a_delay_longer_than_the_timeout_is_not_waited_for(
    server: FakeServer, client: Client
) -> None:
    """
    Waiting would only turn a clear refusal into a timeout.
    """
    server.tool("echo", *SCRIPT)
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE, "NO_CAPACITY", retry_delay=3600)

    with pytest.raises(errors.NoCapacity) as caught:
        client.execute("echo", timeout=1).result()

    assert caught.value.retry_delay == 3600


def test_attempts_are_bounded(server: FakeServer) -> None:
    """
    A server that is full for good must not keep its callers for good.
    """
    server.tool("echo", *SCRIPT)
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE, "NO_CAPACITY", times=9)

    with Client(server.target, attempts=2) as client, pytest.raises(errors.NoCapacity):
        client.execute("echo").result()

    assert len(server.requests) == 3


def test_a_refusal_that_time_does_not_heal_is_raised_at_once(
    server: FakeServer, client: Client
) -> None:
    """
    Sending wrong arguments again does not make them right.
    """
    server.tool("echo", *SCRIPT)
    server.refuse(
        "echo",
        grpc.StatusCode.INVALID_ARGUMENT,
        "ARGUMENTS_INVALID",
        violations=[("arguments_json/a", "must be a string")],
    )

    with pytest.raises(errors.InvalidArguments) as caught:
        next(client.execute("echo"))

    assert caught.value.violations == (errors.Violation("arguments_json/a", "must be a string"),)
    assert len(server.requests) == 1


def test_a_dead_address_is_unreachable_and_found_out_soon() -> None:
    """
    Nothing was sent, and whoever typed the wrong port should not wait long for it.
    """
    began = time.monotonic()

    with Client("127.0.0.1:1") as client, pytest.raises(ServerUnreachable) as caught:
        client.execute("echo").result()

    assert type(caught.value) is ServerUnreachable
    assert time.monotonic() - began < 5


def test_a_silent_server_times_out_and_the_execution_is_cancelled(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The margin is there for the server's own timeout to be told; beyond it nobody waits.
    """
    monkeypatch.setattr("toolcell_client.deadline.MARGIN_SECONDS", 0.2)
    server.tool("steps", *STEPS)

    with pytest.raises(errors.CallTimedOut):
        client.execute("steps", timeout=0.1).result()

    assert server.cancels == list(server.executions)
    assert server.requests[0].timeout.nanos == 10**8


def test_a_tool_that_is_left_alone_is_told_from_a_server_without_room(server: FakeServer) -> None:
    """
    Another tool may serve at once; another call of this one will not.
    """
    server.tool("echo", completed())
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE, "TOOL_UNAVAILABLE", times=9)

    with Client(server.target, attempts=1) as client, pytest.raises(errors.ToolUnavailable):
        client.run("echo")
