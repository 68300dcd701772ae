"""
The ends of an execution's output, and its first denials: what `Run` answers with.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

TAIL_BYTES: Final = 64 * 1024
MAXIMUM_DENIALS: Final = 32


class Tail:
    """
    The last 64 KiB of one stream.
    """

    def __init__(self) -> None:
        self.kept_bytes = 0
        self._pieces: deque[bytes] = deque()

    def append(self, data: bytes) -> None:
        self._pieces.append(data[-TAIL_BYTES:])
        self.kept_bytes += len(self._pieces[-1])
        while self.kept_bytes - len(self._pieces[0]) >= TAIL_BYTES:
            self.kept_bytes -= len(self._pieces.popleft())

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)[-TAIL_BYTES:]


class Tails:
    """
    Gathers them from the events of one execution, as they pass.
    """

    def __init__(self) -> None:
        self._clear()

    @property
    def kept_bytes(self) -> int:
        return self._stdout.kept_bytes + self._stderr.kept_bytes

    @property
    def stdout(self) -> bytes:
        return bytes(self._stdout)

    @property
    def stderr(self) -> bytes:
        return bytes(self._stderr)

    @property
    def denials(self) -> Sequence[pb.Denied]:
        return self._denials

    def note(self, event: pb.ExecuteResponse) -> None:
        kind = event.WhichOneof("event")
        if kind == "output":
            stdout = event.output.stream == pb.OUTPUT_STREAM_STDOUT
            (self._stdout if stdout else self._stderr).append(event.output.data)
        elif kind == "denied" and len(self._denials) < MAXIMUM_DENIALS:
            self._denials.append(event.denied)
        elif kind == "retrying":
            self._clear()  # the ending is that of the last attempt, and so must its output be

    def _clear(self) -> None:
        self._stdout = Tail()
        self._stderr = Tail()
        self._denials: list[pb.Denied] = []
