"""
What is kept of executions, for how long, and what happens when it cannot be kept.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from restarting import HOUR, SECOND, Clock, kept, restarted
from scripted_executor import ScriptedExecutor, completed, execution, run, started
from served import refusal
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping
from toolcell_server.idempotency import Scope
from toolcell_server.listing import Narrowing
from toolcell_server.metrics import Metrics
from toolcell_server.records.remembering import OPERATIONS
from toolcell_server.refusals import RequestIdReused, StoreFailed

if TYPE_CHECKING:
    from pathlib import Path

    from restarting import Kept
    from toolcell_server.record import Record

FORGETS = Keeping(keep_finished_seconds=0.0)  # in memory
PRINT = b"fingerprint"


async def ended(one: Kept, count: int, **fields: Any) -> list[Record]:
    """
    So many executions that have ended and are in the database alone.
    """
    executions = Executions(ScriptedExecutor(completed(b"x" * 100_000)), FORGETS, one.remembering)
    records = []
    for _ in range(count):
        one.clock.now += 1
        records.append(executions.start(execution(**fields), PRINT))
        await records[-1].ended.wait()
    await executions.drain(10)
    for _ in range(50):  # turns of the loop, in which it tidies up
        await asyncio.sleep(0)
    executions.close()
    return records


def test_an_id_of_another_principal_is_no_one_s(tmp_path: Path) -> None:
    """
    Guessing it gives nothing: it is another id.
    """
    with kept(tmp_path) as one:
        run(ended(one, 1, request_id="1", principal="alice"))
        find = one.remembering.find

        assert find(Scope("alice", "echo", "1"), PRINT) is not None
        assert find(Scope("mallory", "echo", "1"), PRINT) is None
        assert find(Scope("alice", "other", "1"), PRINT) is None
        assert find(Scope("mallory", "echo", "1"), b"another") is None
        with pytest.raises(RequestIdReused):
            find(Scope("alice", "echo", "1"), b"another")


def test_an_ending_is_told_until_its_time_is_over_and_then_its_id_is_free(tmp_path: Path) -> None:
    """
    Removing it takes a while longer; it is not told in between.
    """
    clock, scope = Clock(), Scope("", "echo", "1")
    with kept(tmp_path, clock) as one:
        [record] = run(ended(one, 1, request_id="1"))
        clock.now += round(HOUR * SECOND)
        assert one.remembering.get(record.execution_id) is not None
        assert 1 == len(list(one.remembering.newest_first(Narrowing(), ())))
        clock.now += 1
        assert one.remembering.get(record.execution_id) is None
        assert [] == list(one.remembering.newest_first(Narrowing(), ()))
        assert 1 == len(one.rows())

        assert one.remembering.find(scope, b"another") is None
        assert [] == one.rows()
        run(ended(one, 1, request_id="1"))
        assert one.remembering.find(scope, PRINT) is not None


def test_what_is_too_old_is_removed_in_passing(tmp_path: Path) -> None:
    async def scenario(one: Kept) -> None:
        await ended(one, 3)
        one.clock.now += round(HOUR * SECOND) + 1
        assert not one.remembering.retention.remove_old()
        one.remembering.close()

    with kept(tmp_path) as one:
        run(scenario(one))
        assert [] == one.rows()
        assert (0, 0) == (one.ledger.count, one.ledger.size)


@pytest.mark.parametrize(
    "bounds",
    [{"maximum_count": 5}, {"maximum_bytes": 2**20, "result_bytes": 200_000}],
    ids=["there are too many", "they are too large"],
)
def test_the_oldest_go_first_if(tmp_path: Path, bounds: dict[str, Any]) -> None:
    """
    But never one that runs, however old it is.
    """

    async def scenario(one: Kept) -> tuple[str, list[str]]:
        executions = Executions(ScriptedExecutor(started()), FORGETS, one.remembering)
        runs = executions.start(execution(request_id="1"), PRINT)
        records = await ended(one, 30)
        here = [entry.execution_id for entry in one.rows()]
        assert here[1:] == [record.execution_id for record in records[1 - len(here) :]]
        await executions.drain(0)
        return runs.execution_id, here

    with kept(tmp_path, **bounds) as one:
        runs, here = run(scenario(one))
        largest = bounds.get("maximum_bytes", 2**30)

    assert runs == here[0]
    assert 5 <= len(here) <= 12
    assert one.ledger.size <= largest + 200_000


def test_counts_are_right_after_a_restart(tmp_path: Path) -> None:
    """
    Bounds are kept by counting, and a count that is wrong once is wrong for ever.
    """
    with kept(tmp_path) as one:
        run(ended(one, 3, request_id=""))
        counts = one.ledger.count, one.ledger.size
    with kept(tmp_path) as one:
        assert counts == (one.ledger.count, one.ledger.size) == (3, sum(e.size for e in one.rows()))


def test_numbers_go_on_when_the_clock_was_set_back(tmp_path: Path) -> None:
    """
    Pages of a list are by number; a lower one would be between those of before.
    """
    with kept(tmp_path) as one:
        [record] = run(ended(one, 1))
        far = 2**62
        one.database.execute("UPDATE executions SET number = ?", [far])
    with kept(tmp_path) as one:
        [later] = run(ended(one, 1))

    assert far > record.number
    assert far + 1 == later.number


@pytest.mark.parametrize("state", [pb.EXECUTION_STATE_RUNNING, pb.EXECUTION_STATE_QUEUED])
def test_a_list_of_what_runs_does_not_read_the_database(
    tmp_path: Path, state: pb.ExecutionState.ValueType
) -> None:
    """
    There may be a hundred thousand endings in it.
    """

    async def scenario() -> int:
        async with restarted(tmp_path, ScriptedExecutor(completed())) as (service, one):
            await service.stub.Run(pb.RunRequest(tool="t"))
            one.database.execute("ALTER TABLE executions RENAME TO elsewhere")
            request = pb.ListExecutionsRequest(state=state)
            return len((await service.stub.ListExecutions(request)).executions)

    assert 0 == run(scenario())


def test_a_call_with_a_request_id_is_refused_when_its_start_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It might run twice.  Another call runs, and its ending is not kept: that is counted, and logged
    once.
    """
    caplog.set_level(logging.INFO)

    async def scenario() -> tuple[list[Any], int, list[bool], dict[str, int]]:
        executor = ScriptedExecutor(completed(b"x" * 100_000))
        async with restarted(tmp_path, executor) as (service, one):
            with_id = pb.RunRequest(tool="t", request_id="1", call_id="c" * 200)
            one.writable(yes=False)
            refused = [await refusal(service.stub.Run(with_id)) for _ in range(2)]
            begun = len(executor.begun)
            answers = [await service.stub.Run(pb.RunRequest(tool="t")) for _ in range(2)]
            one.writable(yes=True)
            answers.append(await service.stub.Run(with_id))
            done = [answer.finished.outcome.HasField("completed") for answer in answers]
            return refused, begun, done, dict(one.failures)

    refused, begun, done, failures = run(scenario())

    assert [("UNAVAILABLE", "STORE_FAILED")] * 2 == [(code, info.reason) for code, info in refused]
    assert "temporary" == refused[0][1].metadata["category"]
    assert (0, [True] * 3) == (begun, done)
    assert {"begin": 2, "end": 2} == failures
    told = [each.message for each in caplog.records if each.name.endswith("store_health")]
    assert ["the database fails", "the database works again"] * 2 == [
        *(told[0].split(":")[0], told[2]),
        *(told[1].split(":")[0], told[3]),
    ]


def test_a_call_with_a_request_id_is_refused_when_nobody_can_tell_whether_it_ran(
    tmp_path: Path,
) -> None:
    async def scenario() -> tuple[str, list[str], int]:
        with kept(tmp_path) as one:
            await ended(one, 1, request_id="1")
        executor = ScriptedExecutor(completed())
        async with restarted(tmp_path, executor) as (service, one):
            one.database.execute("ALTER TABLE executions RENAME TO elsewhere")
            calls = (
                service.stub.Run(pb.RunRequest(tool="echo", request_id="1")),
                service.stub.GetExecution(pb.GetExecutionRequest(execution_id="x")),
                service.stub.ListExecutions(pb.ListExecutionsRequest()),
            )
            found = [await refusal(call) for call in calls]
            return found[0][0], [info.reason for _, info in found], len(executor.begun)

    assert ("UNAVAILABLE", ["STORE_FAILED"] * 3, 0) == run(scenario())


def test_an_ending_that_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    """
    Its start is there, and would make it an unknown outcome.
    """

    async def scenario(one: Kept) -> tuple[int, int]:
        executor = ScriptedExecutor()
        executions = Executions(executor, Keeping(), one.remembering)
        record = executions.start(execution(request_id="1"), PRINT)
        await executor.has_begun.wait()
        one.writable(yes=False)
        executor.tell(executor.begun[0], completed(b"x" * 100_000))
        await record.ended.wait()
        unwritten = len(one.ledger.unfinished())
        one.writable(yes=True)
        one.remembering.write()
        await executions.drain(0)
        executions.close()
        return unwritten, len(one.ledger.unfinished())

    with kept(tmp_path) as one:
        assert (1, 0) == run(scenario(one))


def test_a_second_start_of_one_scope_is_refused_by_the_database(tmp_path: Path) -> None:
    """
    Whatever memory has forgotten meanwhile.
    """

    async def scenario(one: Kept) -> int:
        await ended(one, 1, request_id="1")
        executor = ScriptedExecutor(completed())
        executions = Executions(executor, FORGETS, one.remembering)
        with pytest.raises(StoreFailed):
            executions.start(execution(request_id="1"), PRINT)
        return len(executor.begun)

    with kept(tmp_path) as one:
        assert 0 == run(scenario(one))


@pytest.mark.parametrize("where", ["in memory", "on file"])
def test_an_id_is_found_by_the_tool_that_was_asked_for(tmp_path: Path, where: str) -> None:
    """
    Whoever repeats a call does not know that another tool was put in its place.
    """

    async def scenario(one: Kept) -> tuple[bool, bool]:
        keeping = Keeping() if where == "in memory" else FORGETS
        executions = Executions(ScriptedExecutor(completed()), keeping, one.remembering)
        record = executions.start(execution(tool="instead", asked="echo", request_id="1"), PRINT)
        await record.ended.wait()
        await executions.drain(10)
        found = [executions.joined(Scope("", tool, "1"), PRINT) for tool in ("echo", "instead")]
        executions.close()
        return found[0] is not None and found[0].tool == "instead", found[1] is None

    with kept(tmp_path) as one:
        assert (True, True) == run(scenario(one))


def test_prometheus_is_told_what_is_kept_and_that_nothing_failed(tmp_path: Path) -> None:
    """
    From the start: a series that appears with its first failure hides it from `rate`.
    """
    metrics = Metrics()
    with kept(tmp_path) as one:
        run(ended(one, 2))
        metrics.records.watch(one.ledger)
        sample = metrics.registry.get_sample_value

        assert 2 == sample("toolcell_records")
        assert one.ledger.size == sample("toolcell_records_bytes")
        assert [0.0] * len(OPERATIONS) == [
            sample("toolcell_record_failures_total", {"operation": name}) for name in OPERATIONS
        ]
