"""
Lists of executions that are in the database alone: what they cost the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from restarting import kept, restarted
from scripted_executor import ScriptedExecutor, completed, execution, run
from served import refusal
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping
from toolcell_server.listing import Narrowing

if TYPE_CHECKING:
    from pathlib import Path


def test_a_list_reads_no_results(tmp_path: Path) -> None:
    """
    A page of a thousand would be gigabytes, read while nobody else has his turn.
    """
    forgets = Keeping(keep_finished_seconds=0.0)

    async def scenario() -> None:
        with kept(tmp_path) as one:
            executor = ScriptedExecutor(completed(b"x" * 100_000))
            executions = Executions(executor, forgets, one.remembering)
            record = executions.start(execution(principal="alice"))
            await record.ended.wait()
            await executions.drain(10)
            executions.close()
            (listed,) = one.remembering.newest_first(Narrowing(principal="alice"), ())
            whole = one.remembering.get(record.execution_id)

            assert whole is not None
            assert sum(map(len, whole.events)) > 100_000  # the control
            assert not listed.events
            assert listed.to_proto() == whole.to_proto()

    run(scenario())


def test_to_ask_for_what_another_ran_is_answered_without_a_look(tmp_path: Path) -> None:
    """
    All of the caller's own would be read, to find that none is the other's.
    """

    async def scenario() -> None:
        async with restarted(tmp_path, ScriptedExecutor(), dies=True) as (service, one):
            one.database.close()
            asked = pb.ListExecutionsRequest(principal="alice")
            assert not (await service.stub.ListExecutions(asked)).executions
            own = service.stub.ListExecutions(pb.ListExecutionsRequest())
            assert "STORE_FAILED" == (await refusal(own))[1].reason  # the control

    run(scenario())
