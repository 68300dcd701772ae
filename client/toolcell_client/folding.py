"""
Folds the events of one execution into its result.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.errors import ContractBroken
from toolcell_client.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

MAXIMUM_DENIALS = 32  # as many as `Run` returns
KEPT_BYTES = 16 * 2**20  # arbitrary; of each output, for who reads a stream and asks for its result


class Folding:
    """
    What the events seen so far add up to.  Of each output the end is kept: whoever reads a stream
    of gigabytes has seen the rest.
    """

    def __init__(self) -> None:
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._chunks = bytearray()
        self._denials: list[pb.Denied] = []
        self.result: Result | None = None

    def add(self, event: pb.ExecuteResponse) -> None:
        """
        Raises:
            ContractBroken: a piece of the result is missing.
        """
        match event.WhichOneof("event"):
            case "output":
                stderr = event.output.stream == pb.OUTPUT_STREAM_STDERR
                _keep(self._stderr if stderr else self._stdout, event.output.data)
            case "denied" if len(self._denials) < MAXIMUM_DENIALS:
                self._denials.append(event.denied)
            case "result_chunk":
                self._add_chunk(event.result_chunk)
            case "finished":
                self.result = self._finish(event)

    def _add_chunk(self, chunk: pb.ResultChunk) -> None:
        if chunk.offset != len(self._chunks):
            raise ContractBroken(
                f"a piece of the result begins at {chunk.offset}, not at {len(self._chunks)}"
            )
        self._chunks.extend(chunk.data)

    def _finish(self, event: pb.ExecuteResponse) -> Result:
        return ended(
            event.execution_id,
            event.call_id,
            event.finished,
            chunks=bytes(self._chunks),
            stdout=bytes(self._stdout[-KEPT_BYTES:]),
            stderr=bytes(self._stderr[-KEPT_BYTES:]),
            denials=self._denials,
        )


def _keep(kept: bytearray, data: bytes) -> None:
    """
    Cut seldom: each cut copies what is kept.
    """
    kept += data
    if len(kept) > 2 * KEPT_BYTES:
        del kept[:-KEPT_BYTES]


def ended(
    execution_id: str,
    call_id: str,
    finished: pb.Finished,
    *,
    chunks: bytes = b"",
    stdout: bytes = b"",
    stderr: bytes = b"",
    denials: Iterable[pb.Denied] = (),
) -> Result:
    """
    The result that `Finished` and what came before it say.

    Raises:
        ContractBroken: the chunks are not as long as the result.
    """
    if chunks and len(chunks) != finished.result_bytes:
        raise ContractBroken(
            f"the result came in {len(chunks)} bytes; {finished.result_bytes} were announced"
        )
    return Result(
        execution_id=execution_id,
        call_id=call_id,
        outcome=finished.outcome,
        result_json=finished.result_json or chunks,
        stdout=stdout,
        stderr=stderr,
        usage=finished.usage,
        isolation=finished.isolation if finished.HasField("isolation") else None,
        denials=tuple(denials),
        committed_paths=tuple(finished.committed_paths),
        contacts=tuple(finished.contacts),
        warnings=tuple(finished.warnings),
        cached=finished.cached,
        replayed=finished.replayed,
        truncated=finished.truncated,
        result_left_out=finished.result_left_out,
    )


def run_ended(response: pb.RunResponse) -> Result | None:
    """
    The result of `Run`; None if its value was too large for the answer and is read by `Watch`.
    """
    finished = response.finished
    large = finished.result_bytes > len(finished.result_json)
    if finished.outcome.HasField("completed") and large and not finished.result_left_out:
        return None
    return ended(
        response.execution_id,
        response.call_id,
        finished,
        stdout=response.stdout_tail,
        stderr=response.stderr_tail,
        denials=response.denials,
    )
