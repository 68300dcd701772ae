"""
What one hosted call printed: bounded as what a cell prints is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.hosts.events import output
from toolcell_server.output import READ_BYTES, Keeping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.limits import Limits


class Printed:
    """
    Standard output and error.
    """

    def __init__(self, limits: Limits) -> None:
        self.stdout, self.stderr = Keeping(limits.output_bytes), Keeping(limits.output_bytes)
        self._of = {
            pb.OUTPUT_STREAM_STDOUT: self.stdout,
            pb.OUTPUT_STREAM_STDERR: self.stderr,
        }

    @property
    def truncated(self) -> bool:
        return self.stdout.truncated or self.stderr.truncated

    @property
    def flooding(self) -> bool:
        return self.stdout.flooding or self.stderr.flooding

    def take(self, said: pb.Output) -> pb.ExecuteResponse | None:
        """
        What of it is told now.

        Raises:
            BadEvent: it is no output.
        """
        data = output(said).data
        now = self._of[said.stream].take(data)
        return _told(said.stream, now) if now else None

    def tails(self) -> Iterator[pb.ExecuteResponse]:
        """
        What is told at the end.
        """
        for stream, keeping in self._of.items():
            skipped, tail = keeping.rest()
            for at in range(0, len(tail), READ_BYTES):
                yield _told(stream, tail[at : at + READ_BYTES], 0 if at else skipped)


def _told(stream: pb.OutputStream.ValueType, data: bytes, skipped: int = 0) -> pb.ExecuteResponse:
    output = pb.Output(stream=stream, data=data, skipped_bytes=skipped)
    return pb.ExecuteResponse(output=output)
