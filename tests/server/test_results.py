"""
What callers get at the end: results of any size, and tails of the output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scripted_executor import (
    ScriptedExecutor,
    completed,
    execution,
    follow,
    output,
    run,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.executions import Executions, Keeping
from toolcell_server.results import CHUNK_BYTES, INLINE_BYTES

if TYPE_CHECKING:
    from toolcell_server.record import Record


@pytest.mark.parametrize(
    ("size", "chunks"),
    [(INLINE_BYTES, 0), (INLINE_BYTES + 1, 4), (20 * CHUNK_BYTES, 20)],
    ids=["3 MiB fit inline", "a byte more comes in chunks", "above the journal's capacity"],
)
def test_a_result_arrives_whole(size: int, chunks: int) -> None:
    """
    A message above 4 MiB would break the stream of a client with default settings.
    """
    result = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def scenario() -> list[pb.ExecuteResponse]:
        executions = Executions(ScriptedExecutor(completed(result)), Keeping())
        return await follow(executions.start(execution()))

    *events, ending = run(scenario())

    pieces = [event.result_chunk for event in events if event.HasField("result_chunk")]
    assert len(pieces) == chunks
    assert b"".join(piece.data for piece in pieces) + ending.finished.result_json == result
    assert [piece.offset for piece in pieces] == [n * CHUNK_BYTES for n in range(chunks)]
    assert ending.finished.result_bytes == size


def test_the_tails_are_those_of_the_last_attempt() -> None:
    """
    `Run` answers with one ending, and its output must belong to it.
    """
    retrying = pb.ExecuteResponse(retrying=pb.Retrying(attempt=1))
    flood = [output(bytes([number]) * 5000, pb.OUTPUT_STREAM_STDERR) for number in range(40)]
    denied = [pb.ExecuteResponse(denied=pb.Denied(target=str(n))) for n in range(40)]

    async def scenario() -> Record:
        script = [output(b"first"), retrying, output(b"second"), *flood, *denied, completed()]
        record = Executions(ScriptedExecutor(*script), Keeping()).start(execution())
        await record.ended.wait()
        return record

    tails = run(scenario()).tails

    assert tails.stdout == b"second"
    assert tails.stderr == b"".join(event.output.data for event in flood)[-65536:]
    assert [denial.target for denial in tails.denials] == [str(n) for n in range(32)]
