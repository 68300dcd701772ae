"""
A stream whose connection breaks is taken up again: real gRPC, real TCP resets.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from toolcell_client import Client, ConnectionLost
from toolcell_client.testing import HOLD, completed, stderr, stdout

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer, Relay

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))
EVENTS = 6  # accepted and started come before the script
STEPS = (HOLD, stdout(b"1"), HOLD, stdout(b"2"), HOLD, completed(2))


@pytest.mark.parametrize("position", range(EVENTS))
def test_a_stream_dropped_at_any_event_loses_and_doubles_nothing(
    server: FakeServer, client: Client, position: int
) -> None:
    """
    A break before `accepted` is the hard one: the execution has to be found by its request_id.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", position)

    sequences = [event.sequence for event in client.execute("echo")]

    assert sequences == list(range(1, EVENTS + 1))
    assert (len(server.requests), len(server.executions)) == (1, 1)


def test_events_that_come_twice_are_given_once(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server may replay more than it was asked for.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", 3)
    watch = client._connection.watch
    monkeypatch.setattr(client._connection, "watch", lambda e, _, deadline: watch(e, 0, deadline))

    stream = client.execute("echo")

    assert [event.sequence for event in stream] == list(range(1, EVENTS + 1))
    assert stream.result().stdout == b"onethree"


def test_a_stream_that_drops_again_and_again_loses_nothing(
    server: FakeServer, client: Client
) -> None:
    """
    Attempts are counted since the last event, so a long stream on a bad network still ends.
    """
    server.tool("echo", *SCRIPT)
    server.drop("echo", 0, 1, 0, 1, 1, 0, 1, 1)

    sequences = [event.sequence for event in client.execute("echo")]

    assert sequences == list(range(1, EVENTS + 1))
    assert [watch.after_sequence for watch in server.watches] == [0, 1, 1, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("position", [2, 3, 4])
def test_a_reset_of_the_connection_loses_and_doubles_nothing(
    server: FakeServer, relay: Relay, position: int
) -> None:
    """
    The same with a real TCP reset in the middle.
    """
    server.tool("steps", *STEPS)
    with Client(relay.target) as client, client.execute("steps") as stream:
        sequences = []
        for event in stream:
            sequences.append(event.sequence)
            if event.sequence == position:
                relay.cut()
            server.release("steps")

    assert sequences == [1, 2, 3, 4, 5]
    assert len(server.executions) == 1


def test_a_server_that_comes_back_is_taken_up_again(server: FakeServer, relay: Relay) -> None:
    """
    A refused connection counts as an attempt, not as the end.
    """
    server.tool("steps", HOLD, stdout(b"1"))
    with Client(relay.target) as client, client.execute("steps") as stream:
        sequences = [next(stream).sequence, next(stream).sequence]
        relay.down()
        server.release("steps")
        coming_back = threading.Timer(0.5, relay.up)
        coming_back.start()

        sequences += [event.sequence for event in stream]
        coming_back.join()

    assert sequences == [1, 2, 3, 4]


def test_a_server_that_stays_away_is_an_error_with_the_execution_in_it(
    server: FakeServer, relay: Relay
) -> None:
    """
    The caller needs the id to come back later.
    """
    server.tool("steps", *STEPS)
    with Client(relay.target, attempts=2) as client:
        stream = client.execute("steps")
        next(stream)
        next(stream)
        relay.down()

        with pytest.raises(ConnectionLost) as caught:
            next(stream)

    assert caught.value.execution_id == next(iter(server.executions))


def test_a_server_that_forgot_the_execution_is_not_a_refusal(
    server: FakeServer, relay: Relay
) -> None:
    """
    A server that was started again answers NOT_FOUND; "nothing ran" would be a lie.
    """
    server.tool("steps", *STEPS)
    with Client(relay.target) as client:
        stream = client.execute("steps")
        next(stream)
        server.forget()
        relay.cut()

        with pytest.raises(ConnectionLost, match="no longer knows execution"):
            stream.result()
