"""
Executions are of whoever began them: nobody else can tell that they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from authenticated import Doorman, bearer, people
from scripted_executor import ScriptedExecutor, completed, run, started
from served import all_of, refusal, serving
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.principal import OTHERS

if TYPE_CHECKING:
    from served import Service

ALICE, BOB = bearer("alice"), bearer("bob")


def doorman() -> Any:
    everybody = (*people("alice", "bob"), *people("operator", scopes=[OTHERS]))
    return Doorman(*everybody).interceptor


def asking(service: Service, execution_id: str, who: Any) -> list[Any]:
    """
    Each RPC that names an execution.
    """
    stub = service.stub
    return [
        all_of(stub.Watch(pb.WatchRequest(execution_id=execution_id), metadata=who)),
        stub.CancelExecution(pb.CancelExecutionRequest(execution_id=execution_id), metadata=who),
        stub.GetExecution(pb.GetExecutionRequest(execution_id=execution_id), metadata=who),
    ]


async def begun(service: Service, who: Any, **fields: Any) -> str:
    stream = service.stub.Execute(pb.ExecuteRequest(tool="t", **fields), metadata=who)
    first = await stream.read()
    return str(first.execution_id)


async def listed(service: Service, who: Any, **fields: Any) -> list[str]:
    request = pb.ListExecutionsRequest(**fields)
    answer = await service.stub.ListExecutions(request, metadata=who)
    return [each.execution_id for each in answer.executions]


def test_an_execution_of_another_is_refused_in_the_words_of_one_that_is_not_there() -> None:
    """
    By Watch, Cancel and Get; it goes on, and its owner still has it.
    """

    async def scenario() -> None:
        async with serving(ScriptedExecutor(started()), doorman()) as service:
            ours = await begun(service, ALICE, detached=True)
            ghost = f"{ours[:-1]}x"
            for real, unreal in zip(
                asking(service, ours, BOB), asking(service, ghost, BOB), strict=True
            ):
                found, missing = await refusal(real), await refusal(unreal)
                text = str(found).replace(ours, "ID"), str(missing).replace(ghost, "ID")
                assert text[0] == text[1]
                assert ("NOT_FOUND", "UNKNOWN_EXECUTION") == (found[0], found[1].reason)
            assert not service.last().journal.finished
            got = await service.stub.GetExecution(
                pb.GetExecutionRequest(execution_id=ours), metadata=ALICE
            )
            assert ("alice", pb.EXECUTION_STATE_RUNNING) == (
                got.execution.principal,
                got.execution.state,
            )

    run(scenario())


def test_lists_are_of_ones_own_and_a_filter_for_another_finds_nothing() -> None:
    """
    Nor do pages, their sizes and their tokens tell of others.
    """

    async def scenario() -> None:
        async with serving(ScriptedExecutor(completed()), doorman()) as service:
            mine = [await begun(service, BOB) for _ in range(3)]
            ours = [await begun(service, ALICE) for _ in range(3)]
            assert mine[::-1] == await listed(service, BOB)
            assert [] == await listed(service, BOB, principal="alice")
            assert ours[::-1] == await listed(service, ALICE, principal="alice", page_size=3)
            page = await service.stub.ListExecutions(
                pb.ListExecutionsRequest(page_size=2), metadata=ALICE
            )
            assert [ours[0]] == await listed(
                service, ALICE, page_size=2, page_token=page.next_page_token
            )
            assert [] != await listed(service, BOB, page_token=page.next_page_token)
            assert set(mine) >= set(await listed(service, BOB, page_token=page.next_page_token))

    run(scenario())


def test_the_scope_for_executions_of_others_sees_and_ends_them() -> None:
    """
    Somebody must be able to end what runs away.
    """

    async def scenario() -> None:
        async with serving(ScriptedExecutor(started()), doorman()) as service:
            ours = await begun(service, ALICE, detached=True)
            operator = bearer("operator")
            assert [ours] == await listed(service, operator)
            assert [ours] == await listed(service, operator, principal="alice")
            answer = await service.stub.CancelExecution(
                pb.CancelExecutionRequest(execution_id=ours), metadata=operator
            )
            assert pb.EXECUTION_STATE_FINISHED == answer.execution.state

    run(scenario())


def test_a_detached_execution_is_watched_by_its_principal_from_another_connection() -> None:
    """
    It belongs to who began it, not to where it was begun.
    """

    async def scenario() -> None:
        async with serving(ScriptedExecutor(started()), doorman()) as service:
            ours = await begun(service, ALICE, detached=True)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as other:
                watch: Any = other.unary_stream(
                    "/toolcell.v1.ToolExecutionService/Watch",
                    request_serializer=pb.WatchRequest.SerializeToString,
                    response_deserializer=pb.WatchResponse.FromString,
                )
                stream = watch(pb.WatchRequest(execution_id=ours), metadata=ALICE)
                first = await stream.read()
                assert ours == first.execution_id
                service.tell(completed())
                events = await all_of(stream)
                assert events[-1].WhichOneof("event") == "finished"

    run(scenario())


def test_a_request_id_of_another_is_not_joined() -> None:
    """
    Two callers that number their calls from 1 must not read each other's results.
    """

    async def scenario() -> None:
        async with serving(ScriptedExecutor(completed()), doorman()) as service:
            request = pb.RunRequest(tool="t", request_id="1")
            answers = [
                (await service.stub.Run(request, metadata=who)).execution_id
                for who in (ALICE, BOB, ALICE)
            ]
            assert answers[0] == answers[2]
            assert answers[0] != answers[1]

    run(scenario())


@pytest.mark.parametrize("method", ["Run", "Execute"])
def test_without_credentials_nothing_begins(method: str) -> None:
    """
    The executor never hears of it.
    """

    async def scenario() -> None:
        executor = ScriptedExecutor(completed())
        async with serving(executor, doorman()) as service:
            call = service.stub.Run(pb.RunRequest(tool="t"))
            if method == "Execute":
                call = all_of(service.stub.Execute(pb.ExecuteRequest(tool="t")))
            assert (await refusal(call))[0] == "UNAUTHENTICATED"
            assert [] == executor.begun

    run(scenario())
