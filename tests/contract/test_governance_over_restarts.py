"""
What outlives a server, and what its log says of it: approvals, repeated calls, and what it died
over.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from governed import Governed, governed, types
from restarting import restarted
from scripted_executor import ScriptedExecutor, started
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.refusals import ApprovalReplayed, ApprovalRequired

if TYPE_CHECKING:
    from pathlib import Path

APPROVED = '[[approval.tools]]\ntool = "numbered"\nkind = "confirm"\n'


async def token_of(calls: Governed) -> str:
    with pytest.raises(ApprovalRequired) as asked:
        await calls.served("numbered")
    return str(asked.value.metadata["approval_token"])


def test_an_approved_call_that_is_repeated_is_replayed_and_its_token_is_used(
    tmp_path: Path,
) -> None:
    """
    By this server and by the next; the same token without the `request_id` lets nothing run.
    """
    tokens, answers = list[str](), list[pb.RunResponse]()

    async def first(calls: Governed) -> None:
        tokens.append(await token_of(calls))
        for _ in range(2):
            answers.append(
                await calls.served("numbered", approval_token=tokens[0], request_id="once")
            )
        await calls.settled()

    async def second(calls: Governed) -> None:
        answers.append(await calls.served("numbered", approval_token=tokens[0], request_id="once"))
        with pytest.raises(ApprovalReplayed):
            await calls.served("numbered", approval_token=tokens[0])

    governed(tmp_path, first, APPROVED, state=True)
    found = governed(tmp_path, second, APPROVED, state=True)

    assert [False, True, True] == [answer.finished.replayed for answer in answers]
    assert 1 == len({answer.finished.result_json for answer in answers})
    assert 1 == types(found).count("execution.finished")
    assert 2 == types(found).count("call.replayed")
    assert 1 == types(found).count("approval.used")


def test_an_approval_over_which_the_server_died_is_used_and_recorded(tmp_path: Path) -> None:
    """
    Nobody knows whether its call has run.
    """
    tokens = list[str]()

    async def dies(calls: Governed) -> None:
        tokens.append(await token_of(calls))
        request = pb.RunRequest(tool="numbered", arguments_json=b"{}", approval_token=tokens[0])
        await calls.admit(request)
        calls.app.database.close()

    async def then(calls: Governed) -> None:
        with pytest.raises(ApprovalReplayed):
            await calls.served("numbered", approval_token=tokens[0])

    governed(tmp_path, dies, APPROVED, state=True)
    found = governed(tmp_path, then, APPROVED, state=True)
    (used,) = [one for one in found if one["type"] == "toolcell.approval.used"]

    assert "the server died over it" in used["data"]["reason"]
    assert "alice" == used["data"]["principal"]["name"]


def test_executions_over_which_the_server_died_are_in_the_log_of_the_next(tmp_path: Path) -> None:
    async def dies() -> str:
        executor = ScriptedExecutor(started())
        async with restarted(tmp_path, executor, dies=True) as (service, _):
            request = pb.ExecuteRequest(tool="echo", request_id="r", call_id="c", detached=True)
            stream = service.stub.Execute(request)
            accepted = await stream.read()
            await stream.read()
            return str(accepted.execution_id)

    lost = asyncio.run(dies())

    async def nothing(_calls: Governed) -> None:
        return

    found = governed(tmp_path, nothing, state=True)
    (told,) = found

    assert ["execution.interrupted"] == types(found)
    assert (lost, lost, "r", "c", "echo") == (
        told["subject"],
        told["data"]["execution_id"],
        told["data"]["request_id"],
        told["data"]["call_id"],
        told["data"]["tool"]["name"],
    )
    assert "LOST_REASON_OUTCOME_UNKNOWN" == told["data"]["outcome"]["reason"]
    assert found == governed(tmp_path, nothing, state=True)  # once


def test_twins_run_once_and_the_second_is_recorded_as_having_joined(tmp_path: Path) -> None:
    """
    Admitted at the same time: with an approval the second finds it taken, without one it is too
    late to start.
    """

    async def scenario(calls: Governed) -> None:
        token = await token_of(calls)
        for given in ({"approval_token": token, "tool": "numbered"}, {"tool": "numbered_for_all"}):
            twins = [calls.served(request_id="twin", **given) for _ in range(2)]
            one, other = await asyncio.gather(*twins)
            assert one.execution_id == other.execution_id
            await calls.settled()

    found = governed(tmp_path, scenario, APPROVED)
    said = types(found)

    assert (2, 2) == (said.count("execution.finished"), said.count("call.joined"))
