"""
What a client does beside streaming, against a real gRPC server.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2
from toolcell_client import AsyncClient, AsyncStream, Client, ConnectionLost, Stream, errors
from toolcell_client.testing import HOLD, completed, exceeded, lost, stderr, stdout, violated

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


def test_run_returns_the_ending_with_its_output(server: FakeServer, client: Client) -> None:
    """
    One round trip, one value.
    """
    denied = pb.Denied(wall=pb.WALL_LANDLOCK, operation="open", target="/etc/shadow")
    server.tool("echo", stdout(b"out"), stderr(b"err"), denied, completed({"a": [1]}))

    result = client.run("echo", {"b": 2}, call_id="mine", labels={"k": "v"})

    assert (result.value, result.stdout, result.stderr) == ({"a": [1]}, b"out", b"err")
    assert [each.target for each in result.denials] == ["/etc/shadow"]
    request = server.requests[0]
    assert isinstance(request, pb.RunRequest)
    assert (request.arguments_json, request.call_id) == (b'{"b":2}', "mine")
    assert dict(request.labels) == {"k": "v"}


@pytest.mark.parametrize(
    ("ending", "label", "raised"),
    [
        (exceeded("wall", 5), "exceeded(wall)", errors.LimitExceeded),
        (violated("seccomp", "ptrace"), "violated(seccomp)", errors.WallViolated),
        (lost("zygote_died"), "lost(zygote_died)", errors.ExecutionLost),
    ],
    ids=["a limit", "a wall", "a fault of the server"],
)
def test_every_ending_has_its_label_and_its_exception(
    server: FakeServer,
    client: Client,
    ending: pb.Finished,
    label: str,
    raised: type[errors.ExecutionEnded],
) -> None:
    """
    Callers branch on the class, logs show the label.
    """
    server.tool("bad", ending)

    result = client.run("bad")

    assert (result.label, result.ok, result.value) == (label, False, None)
    with pytest.raises(raised):
        result.raise_for_outcome()


def test_a_run_that_loses_its_connection_is_found_again(server: FakeServer, client: Client) -> None:
    """
    The tool runs once, and its answer arrives.
    """
    server.tool("echo", stdout(b"out"), completed(7))
    server.drop("echo", 0)

    assert client.run("echo").value == 7
    assert (len(server.requests), len(server.executions)) == (1, 1)


def test_a_run_that_the_server_does_not_know_is_not_sent_twice(
    server: FakeServer, client: Client
) -> None:
    """
    It may have run on a server that has since been started again.
    """
    server.tool("echo", completed())
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(ConnectionLost, match="whether the tool ran is not known"):
        client.run("echo")

    assert len(server.requests) == 1


def test_a_run_refused_for_want_of_capacity_is_tried_again(
    server: FakeServer, client: Client
) -> None:
    """
    Nothing ran, and the request_id stays the same.
    """
    server.tool("echo", completed(7))
    server.refuse("echo", grpc.StatusCode.UNAVAILABLE, "NO_CAPACITY", retry_delay=0.01)

    assert client.run("echo").value == 7
    assert len({request.request_id for request in server.requests}) == 1


def test_pages_are_followed_to_the_last(server: FakeServer, client: Client) -> None:
    """
    A page's end is not the list's end.
    """
    for number in range(7):
        server.tool(f"tool{number}", completed(), tags=["odd"] if number % 2 else [])
        client.run(f"tool{number}")

    names = [tool.name for tool in client.list_tools(page_size=2)]
    odd = [tool.name for tool in client.list_tools(tags=["odd"], page_size=2)]
    executions = [execution.tool for execution in client.list_executions(page_size=3)]

    assert names == [f"tool{number}" for number in range(7)]
    assert odd == ["tool1", "tool3", "tool5"]
    assert executions == names[::-1]


def test_executions_are_filtered_by_state(server: FakeServer, client: Client) -> None:
    """
    The short word stands for the enum.
    """
    server.tool("done", completed())
    server.tool("held", HOLD)
    client.run("done")
    with client.execute("held") as stream:
        next(stream)

        running = [execution.tool for execution in client.list_executions(state="running")]

    assert running == ["held"]


def test_one_execution_can_be_asked_for_and_cancelled(server: FakeServer, client: Client) -> None:
    """
    Cancelling twice is not an error.
    """
    server.tool("held", HOLD)
    with client.execute("held", detached=True) as stream:
        next(stream)

    client.cancel(stream.execution_id)
    client.cancel(stream.execution_id)
    execution = client.get_execution(stream.execution_id)

    assert execution.state == pb.EXECUTION_STATE_FINISHED
    assert execution.outcome.WhichOneof("kind") == "cancelled"
    with pytest.raises(errors.UnknownExecution):
        client.get_execution("nothing")


def test_an_unknown_tool_names_similar_ones(server: FakeServer, client: Client) -> None:
    """
    What a model misspells, it can correct.
    """
    server.tool("read_file", completed())

    assert client.get_tool("read_file").state == registry_pb2.TOOL_STATE_AVAILABLE
    with pytest.raises(errors.UnknownTool) as caught:
        client.get_tool("readfile")
    assert caught.value.close_matches == ("read_file",)


def test_the_twins_have_the_same_methods_and_parameters() -> None:
    """
    Code moves from one to the other by adding `await`.
    """

    def surface(kind: type) -> dict[str, list[str]]:
        named = {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        named["close"] = named.pop("aclose", named.get("close", []))
        return named

    assert surface(Client) == surface(AsyncClient)
    assert surface(Stream) == surface(AsyncStream)


@pytest.mark.parametrize(
    ("one", "other"),
    [(pb.ExecuteResponse, pb.WatchResponse), (pb.ExecuteRequest, pb.RunRequest)],
    ids=["events", "calls"],
)
def test_messages_read_as_one_another_have_the_same_fields(one: Any, other: Any) -> None:
    """
    The client reads WatchResponse as ExecuteResponse, and builds both requests from one set.
    """

    def fields(message: Any) -> list[tuple[str, int, int, bool]]:
        return [(f.name, f.number, f.type, f.is_repeated) for f in message.DESCRIPTOR.fields]

    assert fields(one) == fields(other)
