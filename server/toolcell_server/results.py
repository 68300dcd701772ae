"""
Results too large for one message: sent in chunks before `finished`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

INLINE_BYTES: Final = 3 * 2**20  # a client of default settings receives messages of 4 MiB
CHUNK_BYTES: Final = 2**20


def endings(event: pb.ExecuteResponse) -> Iterator[pb.ExecuteResponse]:
    """
    The events that tell one ending: `result_chunk`s if the result is above 3 MiB, then `finished`.

    `event` is a `finished` one with the whole result; it is changed and yielded last.
    """
    result = event.finished.result_json
    event.finished.result_bytes = len(result)
    if len(result) > INLINE_BYTES:
        for offset in range(0, len(result), CHUNK_BYTES):
            chunk = pb.ResultChunk(offset=offset, data=result[offset : offset + CHUNK_BYTES])
            yield pb.ExecuteResponse(result_chunk=chunk)
        event.finished.ClearField("result_json")
    yield event
