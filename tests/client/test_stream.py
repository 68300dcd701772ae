"""
The synchronous stream against a real gRPC server.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client, errors
from toolcell_client.testing import completed, failed, stderr, stdout

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

SCRIPT = (stdout(b"one"), stderr(b"two"), stdout(b"three"), completed({"n": 3}))


def test_the_events_arrive_in_order_and_fold_into_the_result(
    server: FakeServer, client: Client
) -> None:
    """
    Whoever only wants the ending gets it from the same stream.
    """
    server.tool("echo", *SCRIPT)

    stream = client.execute("echo", {"a": 1}, call_id="mine")
    kinds = [event.WhichOneof("event") for event in stream]

    assert kinds == ["accepted", "started", "output", "output", "output", "finished"]
    result = stream.result()
    assert (result.value, result.stdout, result.stderr) == ({"n": 3}, b"onethree", b"two")
    assert (result.call_id, result.execution_id) == ("mine", stream.execution_id)


def test_a_result_in_chunks_is_put_together(server: FakeServer, client: Client) -> None:
    """
    Results above 3 MiB come in pieces, and `run` has to read them by `Watch`.
    """
    text = json.dumps("x" * 100).encode()
    pieces = [pb.ResultChunk(offset=at, data=text[at : at + 40]) for at in range(0, len(text), 40)]
    ending = pb.Finished(
        outcome=pb.Outcome(completed=pb.Completed()), result_bytes=len(text), usage=pb.Usage()
    )
    server.tool("large", *pieces, ending)

    assert client.execute("large").result().value == "x" * 100
    assert client.run("large").value == "x" * 100


def test_a_missing_chunk_is_never_a_result(server: FakeServer, client: Client) -> None:
    """
    Half a result may well be valid JSON.
    """
    ending = pb.Finished(outcome=pb.Outcome(completed=pb.Completed()), result_bytes=1)
    server.tool("large", pb.ResultChunk(offset=5, data=b"1"), ending)

    with pytest.raises(errors.ContractBroken):
        client.execute("large").result()


def test_events_that_are_gone_are_named(server: FakeServer, client: Client) -> None:
    """
    The caller may go on from the earliest that is kept.
    """
    server.tool("echo", *SCRIPT)
    execution_id = client.run("echo").execution_id
    server.executions[execution_id].earliest_sequence = 4

    with pytest.raises(errors.EventsExpired) as caught:
        client.watch(execution_id).result()

    assert caught.value.earliest_sequence == 4
    assert [event.sequence for event in client.watch(execution_id, 3)] == [4, 5, 6]


def test_a_failure_is_a_result_and_raises_only_when_asked(
    server: FakeServer, client: Client
) -> None:
    """
    The two planes of error: a tool that ran is not an exception by itself.
    """
    server.tool("bad", stderr(b"oh"), failed("it broke", exception="KeyError"))

    result = client.execute("bad").result()

    assert (result.kind, result.value, result.stderr) == ("failed", None, b"oh")
    with pytest.raises(errors.ToolFailed, match="failed: it broke") as caught:
        result.raise_for_outcome()
    assert caught.value.result is result
