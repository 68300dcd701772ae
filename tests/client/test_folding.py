"""
What the events of one execution add up to, however many they are.
"""

from __future__ import annotations

import tracemalloc

from toolcell.v1 import execution_pb2 as pb
from toolcell_client.folding import KEPT_BYTES, Folding

PIECE = 2**20


def output(number: int, stream: pb.OutputStream.ValueType) -> pb.ExecuteResponse:
    data = bytes([number % 256]) * PIECE
    return pb.ExecuteResponse(output=pb.Output(stream=stream, data=data))


def finished() -> pb.ExecuteResponse:
    outcome = pb.Outcome(completed=pb.Completed())
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome))


def test_a_long_stream_costs_bounded_memory_and_its_end_is_kept() -> None:
    """
    Of each output for itself.
    """
    folding, count = Folding(), 200
    tracemalloc.start()
    try:
        for number in range(count):
            folding.add(output(number, pb.OUTPUT_STREAM_STDOUT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    folding.add(output(7, pb.OUTPUT_STREAM_STDERR))
    folding.add(finished())

    assert folding.result is not None
    kept = range(count - KEPT_BYTES // PIECE, count)
    assert b"".join(bytes([number % 256]) * PIECE for number in kept) == folding.result.stdout
    assert bytes([7]) * PIECE == folding.result.stderr
    assert peak < 4 * KEPT_BYTES < count * PIECE


def test_a_short_stream_is_kept_whole() -> None:
    folding = Folding()
    for number in range(3):
        folding.add(output(number, pb.OUTPUT_STREAM_STDOUT))
    folding.add(finished())

    assert folding.result is not None
    assert 3 * PIECE == len(folding.result.stdout)
