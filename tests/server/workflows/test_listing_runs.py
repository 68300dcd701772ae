"""
Lists of runs, on the event loop that everybody shares.
"""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from toolcell.v1 import workflow_pb2 as pb
from toolcell_server.database import Database
from toolcell_server.workflows.log import Log, stamped
from toolcell_server.workflows.progress import Key
from toolcell_server.workflows.runs_store import Row, RunsStore
from toolcell_server.workflows.service import WorkflowService

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 20
NOBODY = cast("Any", None)


def ended(store: RunsStore, run_id: str) -> None:
    row = Row(
        number=None,
        run_id=run_id,
        principal="",
        caller="{}",
        workflow="w",
        version=0,
        request_id="",
        fingerprint=b"",
        labels="{}",
        state=pb.WORKFLOW_RUN_STATE_RUNNING,
        accepted=1,
    )
    first = stamped(run_id, 1, Key(""), accepted=pb.WorkflowAccepted())
    store.begin(row, b"{}", b"{}", first.SerializeToString())
    state = pb.WORKFLOW_RUN_STATE_COMPLETED
    finished = pb.WorkflowFinished(state=state, outputs_json=b'"large"')
    Log(run_id, store, store.events(run_id)).tell(finished=finished)


def test_others_have_their_turn_while_runs_are_listed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    database = Database.opened(str(tmp_path))
    store = RunsStore(database)
    for number in range(RUNS):
        ended(store, f"run-{number}")
    desk = cast("Any", SimpleNamespace(store=store))
    service = WorkflowService(NOBODY, NOBODY, NOBODY, desk, NOBODY, sessions=NOBODY)

    async def scenario() -> tuple[int, pb.ListWorkflowRunsResponse]:
        turns = itertools.count()
        asked = pb.ListWorkflowRunsRequest(page_size=RUNS)
        listing = asyncio.create_task(service.ListWorkflowRuns(asked, NOBODY))
        while not listing.done():
            next(turns)
            await asyncio.sleep(0)
        return next(turns), await listing

    turns, listed = asyncio.run(scenario())
    database.close()

    assert RUNS <= turns
    assert [f"run-{n}" for n in reversed(range(RUNS))] == [each.run_id for each in listed.runs]
    assert {b""} == {each.finished.outputs_json for each in listed.runs}
