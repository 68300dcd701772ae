"""
When an approval is used up, when it is given back, and what a restart makes of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from approving import MORNING, Office, asked, office
from scripted_executor import ScriptedExecutor, completed, finished, lost, run, started
from served import refusal
from toolcell.v1 import approval_pb2
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.approvals.reserving import Reservation
from toolcell_server.capacity import Capacity
from toolcell_server.database import Database, StoreFailed
from toolcell_server.refusals import NoCapacity
from toolcell_server.wanted import ANYTHING

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.wanted import Wanted

CANCELLED = finished(pb.Outcome(cancelled=pb.Cancelled()))


async def approved(place: Office) -> tuple[str, str]:
    approval_id, token = asked((await refusal(place.run("pay")))[1])
    await place.decide(approval_id, "boss")
    return approval_id, token


async def state(place: Office, approval_id: str) -> str:
    told = await place.get(approval_id, "alice")
    return approval_pb2.ApprovalState.Name(told.state).removeprefix("APPROVAL_STATE_").lower()


class Full(Capacity):
    """
    Whose last place was taken since the call was let in.
    """

    def reserve(self, execution_id: str, wanted: Wanted = ANYTHING) -> None:
        raise NoCapacity(1.0)


def test_a_call_that_finds_no_capacity_keeps_its_approval() -> None:
    """
    A full server is no reason to ask a person again.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = await approved(place)
            place.capacity.__class__ = Full
            _, info = await refusal(place.run("pay", token=token))
            assert (info.reason, await state(place, approval_id)) == ("NO_CAPACITY", "approved")
            place.capacity.__class__ = Capacity
            await place.run("pay", token=token)
            assert (place.ran, await state(place, approval_id)) == (1, "used")

    run(scenario())


@pytest.mark.parametrize(
    ("told", "after"),
    [
        pytest.param((lost(pb.LOST_REASON_WALL_NOT_BUILT),), "approved", id="no wall"),
        pytest.param((lost(pb.LOST_REASON_ZYGOTE_DIED),), "approved", id="no zygote"),
        pytest.param((CANCELLED,), "approved", id="cancelled before a cell"),
        pytest.param((started(), lost(pb.LOST_REASON_CELL_DIED)), "used", id="lost, had begun"),
        pytest.param((started(), CANCELLED), "used", id="cancelled, had begun"),
        pytest.param((started(), completed()), "used", id="completed"),
        pytest.param((completed(),), "used", id="completed, told nothing before"),
        pytest.param((RuntimeError("bug"),), "used", id="nobody knows"),
    ],
)
def test_only_a_run_that_surely_did_not_begin_gives_its_approval_back(
    told: tuple[Any, ...], after: str
) -> None:
    """
    When in doubt it is used: a payment that ran twice is worse than a question asked twice.
    """

    async def scenario() -> None:
        async with office(ScriptedExecutor(*told)) as place:
            approval_id, token = await approved(place)
            await place.run("pay", token=token)
            assert await state(place, approval_id) == after
            what = "returned" if after == "approved" else "used"
            assert place.happenings[-1].what == what

    run(scenario())


def reserved(place: Office, approval_id: str) -> Reservation:
    """
    As a call holds it.
    """
    store = place.desk.store
    approval = store.by_id(approval_id)
    assert approval is not None
    assert store.move(approval_id, "approved", "reserved")
    return Reservation(approval, store, place.clock, place.happenings.append)


def test_what_was_given_back_is_not_taken_from_the_next_call() -> None:
    """
    The first execution is closed after its ending was told, when the token may be with another.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, _ = await approved(place)
            first = reserved(place, approval_id)
            first.settle()  # as for `lost`
            second = reserved(place, approval_id)
            first.settle()  # as on closing
            assert await state(place, approval_id) == "reserved"
            second.begin("execution-1")
            second.settle()
            assert await state(place, approval_id) == "used"

    run(scenario())


def test_while_a_call_runs_its_approval_is_nobody_elses(tmp_path: Path) -> None:
    """
    Reserved, not yet used; and still so when the caller has gone.
    """

    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with office(executor, folder=str(tmp_path)) as place:
            approval_id, token = await approved(place)
            call = asyncio.ensure_future(place.run("pay", token=token))
            await executor.has_begun.wait()
            assert await state(place, approval_id) == "reserved"
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_REPLAYED"
            late = await refusal(place.decide(approval_id, "boss", approve=False))
            assert late[1].reason == "APPROVAL_DECIDED"
            call.cancel()
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_REPLAYED"

    run(scenario())


def test_a_restart_keeps_questions_and_answers(tmp_path: Path) -> None:
    """
    People answer later than servers are restarted.
    """

    async def scenario() -> None:
        async with office(folder=str(tmp_path)) as place:
            waiting, waiting_token = asked((await refusal(place.run("pay")))[1])
            _, token = await approved(place)
        async with office(folder=str(tmp_path)) as place:
            await place.run("pay", token=token)
            await place.decide(waiting, "boss")
            await place.run("pay", token=waiting_token)
            assert place.ran == 2
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_REPLAYED"

    run(scenario())


def test_a_server_that_died_with_a_call_does_not_know_and_says_used(tmp_path: Path) -> None:
    """
    The tool may have run; the next server must not let it run again.
    """

    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with office(executor, folder=str(tmp_path)) as place:
            approval_id, token = await approved(place)
            call = asyncio.ensure_future(place.run("pay", token=token))
            await executor.has_begun.wait()
            copy = tmp_path / "after"
            copy.mkdir()
            snapshot(tmp_path, copy)
            call.cancel()
        async with office(folder=str(copy)) as place:
            assert await state(place, approval_id) == "used"
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_REPLAYED"
            assert place.ran == 0

    run(scenario())


def snapshot(folder: Path, to: Path) -> None:
    """
    The database as it is on the disk at this moment.
    """
    for file in folder.glob("*sqlite3*"):
        (to / file.name).write_bytes(file.read_bytes())


class Broken(Database):
    """
    A database that cannot be written any more, as on a full disk.
    """

    def execute(self, statement: str, values: Any = ()) -> int:
        raise StoreFailed("disk I/O error")


@pytest.mark.parametrize("with_token", [True, False])
def test_without_its_database_nothing_is_let_pass(*, with_token: bool) -> None:
    """
    It fails closed, by name, and tells nobody what is wrong with the disk.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = await approved(place)
            place.database.__class__ = Broken
            code, info = await refusal(place.run("pay", token=token if with_token else ""))
            assert (code, info.reason) == ("UNAVAILABLE", "APPROVALS_NOT_KEPT")
            _, info = await refusal(place.decide(approval_id, "chief", approve=False))
            assert (info.reason, place.ran) == ("APPROVALS_NOT_KEPT", 0)
            place.database.__class__ = Database
            await place.run("pay", token=token)
            assert place.ran == 1

    run(scenario())


def test_what_cannot_be_recorded_does_not_happen() -> None:
    """
    An audit that fails must not leave approvals that nobody can account for.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            place.deciding._record = place.desk._record = fails
            with pytest.raises(grpc.aio.AioRpcError):
                await place.decide(approval_id, "boss")
            assert await state(place, approval_id) == "pending"
            with pytest.raises(grpc.aio.AioRpcError):
                await place.run("pay")
            assert len((await place.list("alice")).approvals) == 1
            place.deciding._record = place.happenings.append
            await place.decide(approval_id, "boss")
            with pytest.raises(grpc.aio.AioRpcError):
                await place.run("pay", token=token)
            assert (await state(place, approval_id), place.ran) == ("approved", 0)

    def fails(_happening: Any) -> None:
        raise OSError("no space left")

    run(scenario())


def test_old_approvals_are_forgotten() -> None:
    """
    The database does not grow without end.
    """

    async def scenario() -> None:
        async with office(approve_seconds=60, confirm_seconds=60, keep_seconds=60) as place:
            for _ in range(5):
                await refusal(place.run("pay"))
            place.clock.now = MORNING + 121
            await refusal(place.run("mail"))
            assert len((await place.list("boss")).approvals) == 1

    run(scenario())
