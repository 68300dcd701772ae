from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import workflow_pb2 as pb
from toolcell_server import principal
from toolcell_server.database import Database
from toolcell_server.principal import OTHERS, Principal
from toolcell_server.refusals import TooManyWorkflows, UnknownRun
from toolcell_server.settings.workflows import WorkflowSettings
from toolcell_server.workflows.finding import Finding
from toolcell_server.workflows.log import Log, stamped
from toolcell_server.workflows.progress import Key
from toolcell_server.workflows.runs_store import Row, RunsStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALICE = Principal(name="alice")
MEBIBYTE = 2**20
_numbers = itertools.count(1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    one = Database.opened(str(tmp_path))
    yield one
    one.close()


def begin(store: RunsStore, owner: str = "alice", size: int = 10) -> Row:
    row = Row(
        number=None,
        run_id=f"run-{next(_numbers)}",
        principal=owner,
        caller="{}",
        workflow="w",
        version=0,
        request_id="",
        fingerprint=b"",
        labels="{}",
        state=pb.WORKFLOW_RUN_STATE_RUNNING,
        accepted=1,
    )
    first = stamped(row.run_id, 1, Key(""), accepted=pb.WorkflowAccepted())
    store.begin(row, b"x" * size, b"{}", first.SerializeToString())
    return row


def end(store: RunsStore, row: Row) -> None:
    state = pb.WORKFLOW_RUN_STATE_COMPLETED
    Log(row.run_id, store, store.events(row.run_id)).tell(finished=pb.WorkflowFinished(state=state))


def test_what_has_ended_goes_when_there_is_too_much_and_what_runs_stays(database: Database) -> None:
    store = RunsStore(database)
    finding = Finding(store, WorkflowSettings(maximum_bytes=MEBIBYTE, runs=100))
    rows = [begin(store, size=MEBIBYTE // 4) for _ in range(6)]
    for row in rows[:4]:
        end(store, row)
    before = store.size
    finding.check_room(ALICE)

    assert before > MEBIBYTE > store.size
    assert [None] * 4 == [store.get(row.run_id) for row in rows[:4]]
    assert [] == store.events(rows[0].run_id)
    assert all(store.get(row.run_id) for row in rows[4:])
    assert store.size == RunsStore(database).size


def test_where_nothing_can_go_there_is_no_room(database: Database) -> None:
    store = RunsStore(database)
    finding = Finding(store, WorkflowSettings(maximum_bytes=MEBIBYTE, runs=100))
    for _ in range(5):
        begin(store, size=MEBIBYTE // 4)
    with pytest.raises(TooManyWorkflows):
        finding.check_room(ALICE)


def test_who_has_most_makes_only_his_own_go(database: Database) -> None:
    store = RunsStore(database)
    finding = Finding(store, WorkflowSettings(maximum_bytes=MEBIBYTE, runs=100))
    theirs = [begin(store, "bob", MEBIBYTE // 4), begin(store, "alice", MEBIBYTE // 4)]
    hers = [begin(store, "mallory", MEBIBYTE // 5) for _ in range(3)]
    for row in (*theirs, *hers):
        end(store, row)
    finding.check_room(Principal(name="mallory"))

    assert all(store.get(row.run_id) for row in theirs)
    assert [None] * 3 == [store.get(row.run_id) for row in hers]
    assert 0 == store.size_of("mallory")


def test_who_has_his_share_keeps_nobody_else_from_beginning(database: Database) -> None:
    store = RunsStore(database)
    finding = Finding(store, WorkflowSettings(maximum_bytes=MEBIBYTE, runs=100))
    for _ in range(4):
        begin(store, "mallory", MEBIBYTE // 5)
    with pytest.raises(TooManyWorkflows):
        finding.check_room(Principal(name="mallory"))

    finding.check_room(ALICE)


def test_a_row_is_small_however_much_was_asked_for(database: Database) -> None:
    """
    Rows are listed, looked through and written anew on the event loop.
    """
    store = RunsStore(database)
    row = begin(store, size=MEBIBYTE)
    (kept,) = database.query("SELECT * FROM workflow_runs")

    assert (b"x" * MEBIBYTE, b"{}") == store.asked(row.run_id)
    assert all(len(str(value)) < 100 for value in kept)


def test_what_ended_long_ago_goes(database: Database) -> None:
    store = RunsStore(database)
    row, other = begin(store), begin(store)
    end(store, row)
    Finding(store, WorkflowSettings(keep_seconds=3600)).check_room(ALICE)
    assert store.get(row.run_id)
    Finding(store, WorkflowSettings(keep_seconds=0)).check_room(ALICE)

    assert store.get(row.run_id) is None
    assert store.get(other.run_id)


def test_a_principal_has_only_so_many_that_have_not_ended(database: Database) -> None:
    store = RunsStore(database)
    finding = Finding(store, WorkflowSettings(runs=2))
    rows = [begin(store), begin(store), begin(store, "bob")]
    with pytest.raises(TooManyWorkflows):
        finding.check_room(ALICE)
    finding.check_room(Principal(name="bob"))
    end(store, rows[0])

    finding.check_room(ALICE)


def test_a_run_is_found_by_its_owner_and_by_who_sees_those_of_others(database: Database) -> None:
    store = RunsStore(database)
    finding, row = Finding(store, WorkflowSettings()), begin(store)
    for caller in (ALICE, Principal(name="boss", scopes=frozenset({OTHERS}))):
        with principal.calling(caller):
            assert row.run_id == finding.find(row.run_id).run_id
    with principal.calling(Principal(name="mallory")), pytest.raises(UnknownRun):
        finding.find(row.run_id)
