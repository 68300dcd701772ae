"""
A caller with a valid token who is hostile: what is another's stays another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest
import rivals
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rivals import ALICE, MALLORY, Caller, details, told
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with rivals.serve(tmp_path_factory.mktemp("rivals")) as running:
        yield running


@pytest.fixture
def alice(server: Server) -> Iterator[Caller]:
    caller = Caller(server.target, ALICE)
    with caller.channel:
        yield caller


@pytest.fixture
def mallory(server: Server) -> Iterator[Caller]:
    caller = Caller(server.target, MALLORY)
    with caller.channel:
        yield caller


FIELDS: Final[dict[str, Any]] = {"tool": "pay", "arguments_json": b'{"amount": 1}'}
OF_EXECUTIONS = {
    "Watch": pb.WatchRequest,
    "GetExecution": pb.GetExecutionRequest,
    "CancelExecution": pb.CancelExecutionRequest,
}


@pytest.mark.parametrize("method", OF_EXECUTIONS)
def test_executions_of_another_are_as_good_as_not_there(
    alice: Caller, mallory: Caller, method: str
) -> None:
    stream = alice.stub.Execute(
        pb.ExecuteRequest(tool="wait", arguments_json=b'{"seconds": 20}'),
        timeout=60,
        metadata=alice.metadata,
    )
    running = next(stream).execution_id
    ended = alice.run("calculate", {"expression": "6*7"}).execution_id
    for one in (running, ended):
        code, reason, message = mallory.refused(method, OF_EXECUTIONS[method](execution_id=one))
        none = one[:-4] + "ffff"
        assert (code, reason) == ("NOT_FOUND", "UNKNOWN_EXECUTION")
        other = mallory.refused(method, OF_EXECUTIONS[method](execution_id=none))
        assert (code, reason, message.replace(one, none)) == other
    request = pb.GetExecutionRequest(execution_id=running)
    seen = alice.stub.GetExecution(request, timeout=30, metadata=alice.metadata)
    assert seen.execution.state == pb.EXECUTION_STATE_RUNNING  # the control, and it still runs
    listed = mallory.stub.ListExecutions(
        pb.ListExecutionsRequest(principal="alice"), timeout=30, metadata=mallory.metadata
    )
    assert not [each for each in listed.executions if each.principal == "alice"]
    stream.cancel()


def test_a_request_id_that_is_guessed_replays_nothing(alice: Caller, mallory: Caller) -> None:
    hers = alice.run("draw", request_id="guessed")
    again = alice.run("draw", request_id="guessed")
    his = mallory.run("draw", request_id="guessed")

    assert (hers.execution_id, True) == (again.execution_id, again.finished.replayed)
    assert not his.finished.replayed
    assert hers.finished.result_json != his.finished.result_json


def test_a_cache_that_another_has_filled_answers_nobody_else(
    alice: Caller, mallory: Caller
) -> None:
    his = mallory.run("draw")
    his_again = mallory.run("draw")
    hers = alice.run("draw")

    assert his.finished.result_json == his_again.finished.result_json  # the control
    assert his_again.finished.cached
    assert his.finished.result_json != hers.finished.result_json


def test_a_forbidden_tool_and_none_at_all_are_refused_in_the_same_words(mallory: Caller) -> None:
    forbidden = mallory.refused("Run", pb.RunRequest(tool="alices"))
    nothing = mallory.refused("Run", pb.RunRequest(tool="alicez"))

    assert forbidden[0] == "PERMISSION_DENIED"
    assert forbidden == (*nothing[:2], nothing[2].replace("alicez", "alices"))


def test_a_forbidden_tool_is_in_no_list(alice: Caller, mallory: Caller) -> None:
    def names(caller: Caller) -> set[str]:
        request = registry_pb2.ListToolsRequest(page_size=1000)
        answer = caller.tools.ListTools(request, timeout=30, metadata=caller.metadata)
        return {tool.name for tool in answer.tools}

    assert {"alices", "calculate", "draw", "pay", "wait"} == names(alice)
    assert {"calculate", "draw", "pay", "wait"} == names(mallory)


def test_a_stolen_approval_is_as_good_as_a_made_up_one(alice: Caller, mallory: Caller) -> None:
    asked = pb.RunRequest(**FIELDS)
    with pytest.raises(grpc.RpcError) as raised:
        alice.stub.Run(asked, timeout=30, metadata=alice.metadata)
    token = details(raised.value).metadata["approval_token"]
    hers = pb.RunRequest(**FIELDS, approval_token=token)
    made_up = pb.RunRequest(**FIELDS, approval_token="x" * len(token))

    assert "APPROVAL_PENDING" == alice.refused("Run", hers)[1]  # the control: it is hers
    assert mallory.refused("Run", hers) == mallory.refused("Run", made_up)
    assert "APPROVAL_UNKNOWN" == mallory.refused("Run", hers)[1]


BAD = {
    "no token": (),
    "an unknown token": (("authorization", "Bearer x"),),
    "two tokens": (("authorization", f"Bearer {MALLORY}"), ("authorization", f"Bearer {ALICE}")),
    "another scheme": (("authorization", f"Basic {ALICE}"),),
    "an empty token": (("authorization", "Bearer "),),
    "his name in the header": (("x-principal", "alice"), ("authorization", "alice")),
}


@pytest.mark.parametrize("metadata", BAD.values(), ids=BAD)
def test_nobody_is_let_in_without_one_good_token(mallory: Caller, metadata: Any) -> None:
    request = pb.RunRequest(tool="draw")
    code, _, message = mallory.refused("Run", request, metadata or (("x-none", "1"),))

    assert code == "UNAUTHENTICATED"
    assert ALICE not in message


def test_who_is_not_known_leaves_no_megabytes_behind(mallory: Caller) -> None:
    """
    Health is open to everybody, and a stream of it lives for as long as its caller likes.
    """
    stub: Any = health_pb2_grpc.HealthStub(mallory.channel)
    kept = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=30)
    assert next(kept).status == health_pb2.HealthCheckResponse.SERVING  # the control
    kept.cancel()
    with pytest.raises(grpc.RpcError) as raised:
        next(stub.Watch(health_pb2.HealthCheckRequest(service="x" * 3_000_000), timeout=30))

    assert "INVALID_ARGUMENT" == told(raised.value)[0]


def test_headers_that_name_another_change_nothing(mallory: Caller) -> None:
    extra = (("x-principal", "alice"), ("x-forwarded-user", "alice"), ("principal", "alice"))
    metadata = (*mallory.metadata, *extra)
    answer = mallory.stub.Run(pb.RunRequest(tool="draw"), timeout=30, metadata=metadata)
    asked = pb.GetExecutionRequest(execution_id=answer.execution_id)
    seen = mallory.stub.GetExecution(asked, timeout=30, metadata=mallory.metadata)

    assert seen.execution.principal == "mallory"


def test_no_line_of_the_log_is_a_callers(server: Server, mallory: Caller) -> None:
    forged = "2026-01-01T00:00:00.000Z ERROR forged"
    with_line = f"x\n{forged}"
    for fields in (
        {"tool": with_line},
        {"tool": "draw", "call_id": with_line},
        {"tool": "draw", "request_id": with_line},
        {"tool": "draw", "labels": {"a": with_line}},
        {"tool": "draw", "labels": {with_line: "a"}},
        {"tool": "draw", "version": with_line},
    ):
        mallory.refused("Run", pb.RunRequest(**fields))
    lines = server.log.read_text().splitlines()

    assert lines
    assert not [line for line in lines if line.startswith(forged)]
    assert not [line for line in lines if "\x1b" in line or ALICE in line or MALLORY in line]
