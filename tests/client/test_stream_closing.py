"""
Whoever leaves a stream must not leave a tool running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_client import Client, ToolcellError
from toolcell_client.testing import HOLD, completed, stderr, stdout

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))
STEPS = (HOLD, stdout(b"1"), HOLD, stdout(b"2"), HOLD, completed(2))


def test_closing_early_cancels_the_execution(server: FakeServer, client: Client) -> None:
    """
    Whoever leaves must not leave a tool running.
    """
    server.tool("steps", *STEPS)

    with client.execute("steps") as stream:
        next(stream)

    assert server.cancels == [stream.execution_id]


def test_closing_before_acceptance_is_read_cancels_the_execution(
    server: FakeServer, client: Client
) -> None:
    """
    Its id is not known yet; its request_id is.
    """
    server.tool("steps", *STEPS)

    stream = client.execute("steps")
    server.wait_for(lambda: bool(server.executions))
    stream.close()

    assert server.cancels == list(server.executions)


def test_closing_a_detached_stream_leaves_the_execution(server: FakeServer, client: Client) -> None:
    """
    That is what detached means.
    """
    server.tool("steps", *STEPS)

    with client.execute("steps", detached=True) as stream:
        next(stream)

    assert server.cancels == []


def test_closing_a_watch_leaves_the_execution(server: FakeServer, client: Client) -> None:
    """
    A watcher only looks on.
    """
    server.tool("steps", *STEPS)
    with client.execute("steps", detached=True) as stream:
        next(stream)

    with client.watch(stream.execution_id) as watch:
        next(watch)

    assert server.cancels == []


def test_closing_after_the_end_asks_nothing(server: FakeServer, client: Client) -> None:
    """
    The usual case costs no further call.
    """
    server.tool("echo", *SCRIPT)

    with client.execute("echo") as stream:
        stream.result()

    assert server.cancels == []


def test_cancelling_goes_on_to_the_ending(server: FakeServer, client: Client) -> None:
    """
    Usage and partial output come with the ending, also of a cancelled execution.
    """
    server.tool("steps", stdout(b"kept"), HOLD)
    stream = client.execute("steps")
    for _ in range(3):
        next(stream)

    stream.cancel()
    result = stream.result()

    assert (result.label, result.stdout) == ("cancelled(requested)", b"kept")


def test_cancelling_before_acceptance_is_read_takes_effect(
    server: FakeServer, client: Client
) -> None:
    """
    The id comes with the first event; the wish is kept until then.
    """
    server.tool("steps", HOLD)
    stream = client.execute("steps")

    stream.cancel()

    assert stream.result().kind == "cancelled"


def test_closing_the_client_closes_its_streams(server: FakeServer) -> None:
    """
    A forgotten stream ends with the client.
    """
    server.tool("steps", *STEPS)
    with Client(server.target) as client:
        stream = client.execute("steps")
        next(stream)

    assert server.cancels == [stream.execution_id]


def test_a_stream_that_is_dropped_unread_warns(server: FakeServer, client: Client) -> None:
    """
    Nobody can send a cancel from a finalizer, so the leak has to be seen.
    """
    server.tool("steps", *STEPS)
    stream = client.execute("steps")
    next(stream)

    reference = [stream]
    del stream
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        reference.clear()  # CPython finalizes at once


def test_the_result_of_a_closed_stream_is_an_error(server: FakeServer, client: Client) -> None:
    """
    None would be taken for a result.
    """
    server.tool("steps", *STEPS)
    stream = client.execute("steps")
    next(stream)
    stream.close()

    with pytest.raises(ToolcellError, match="closed before its end"):
        stream.result()
