"""
Ended executions are kept for a while, within bounded memory.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from scripted_executor import (
    DEADLINE,
    SOON,
    ScriptedExecutor,
    completed,
    execution,
    run,
)
from toolcell_server.executions import Executions, Keeping
from toolcell_server.idempotency import Scope
from toolcell_server.kept import Kept
from toolcell_server.refusals import UnknownExecution

if TYPE_CHECKING:
    from toolcell_server.record import Record


SCOPE = Scope("", "echo", "request-1")


def test_an_ended_execution_is_forgotten_after_a_while() -> None:
    """
    By a timer: nobody may ever ask for it again, and its memory is wanted.
    """

    async def scenario() -> None:
        executions = Executions(ScriptedExecutor(completed()), Keeping(keep_finished_seconds=SOON))
        call = execution(request_id="request-1")
        record = executions.start(call, b"fingerprint")
        gone = asyncio.Event()
        weakref.finalize(record, gone.set)
        await record.ended.wait()
        assert executions.get(call.execution_id) is record
        del record
        await gone.wait()
        with pytest.raises(UnknownExecution):
            executions.get(call.execution_id)
        assert executions.joined(SCOPE, b"another") is None

    gc.disable()  # so that only forgetting frees it
    try:
        run(scenario())
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(2, 10**9, [2, 3]), (10, 500_000, [2, 3])],
    ids=["there are too many", "they are too large"],
)
def test_the_oldest_is_forgotten_first_if(count: int, size: int, expected: list[int]) -> None:
    """
    An hour of a busy server is more than its memory.
    """

    async def scenario() -> list[int]:
        executions = Executions(ScriptedExecutor(completed(b"x" * 200_000)), Keeping())
        records = [executions.start(execution()) for _ in range(4)]
        await executions.drain(DEADLINE)
        forgotten: list[Record] = []
        kept = Kept(60, forgotten.append, maximum_count=count, maximum_bytes=size)
        for record in records:
            kept.add(record)
        kept.close()
        assert forgotten == records[: len(forgotten)]
        return [number for number, record in enumerate(records) if record not in forgotten]

    assert run(scenario()) == expected
