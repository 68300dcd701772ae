"""
Takes secrets out of everything that an execution lets out.

Theory of operation.  It stands directly around what speaks for the cell, so that whoever keeps,
counts, repeats or logs an event has never seen the secret.  Standard output and error are two
streams (`redaction.stream`): the last bytes of a piece are held back while they could be the
beginning of a secret, and follow with the next piece, at a gap, or right before the ending.  What
is counted (`usage.stdout_bytes`, the limit of output) is what the tool wrote; what is kept, and the
tails of `Run`, is what left here.

Where there is nothing to redact for a tool, the events of the executor underneath are handed on as
they are: this layer is not there.  A value larger than 64 KiB is redacted in a thread, and so is a
large piece where there are many secrets to look for: it takes long, and the loop must go on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.executor import closing
from toolcell_server.per_tool import PerTool
from toolcell_server.redaction.events import redact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.redaction import Redactor, Stream
    from toolcell_server.tool import Tool

AT_ONCE: Final = 64 * 1024  # bytes
SEARCHED_AT_ONCE: Final = 16 * 2**20  # bytes, for each that is looked for; about 10 ms


@dataclass(frozen=True, slots=True)
class RedactedExecutor:
    """
    Redacts the events of the executor underneath: by `redactor`, and by the keys of the tool.
    """

    base: Executor
    redactor: Redactor
    _of_tools: PerTool[Redactor] = field(
        default_factory=PerTool, init=False, repr=False, compare=False
    )

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        redactor = self._of(execution.tool)
        if not redactor:
            return self.base.execute(execution)
        return self._redacted(execution, redactor)

    async def _redacted(
        self, execution: Execution, redactor: Redactor
    ) -> AsyncIterator[pb.ExecuteResponse]:
        outputs = _Outputs(redactor)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if event.HasField("output"):
                    for left in await outputs.take(event.output):
                        yield pb.ExecuteResponse(output=left)
                    continue
                if event.ByteSize() <= AT_ONCE:
                    redact(event, redactor)
                else:
                    await asyncio.to_thread(redact, event, redactor)
                if event.HasField("finished"):
                    for left in outputs.rest():
                        yield pb.ExecuteResponse(output=left)
                yield event

    def _of(self, tool: Tool) -> Redactor:
        if not tool.redact_keys:
            return self.redactor
        return self._of_tools.get(tool, lambda tool: self.redactor.with_keys(tool.redact_keys))


class _Outputs:
    """
    Both outputs of one attempt.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._streams: dict[pb.OutputStream.ValueType, Stream] = {}

    async def take(self, output: pb.Output) -> Iterable[pb.Output]:
        """
        What may leave of it, and of what was held back.
        """
        if not self._redactor.in_text:
            return (output,)
        if self._redactor.work(len(output.data)) <= SEARCHED_AT_ONCE:
            return self._taken(output)
        return await asyncio.to_thread(lambda: list(self._taken(output)))

    def _taken(self, output: pb.Output) -> Iterator[pb.Output]:
        kind = output.stream
        stream = self._streams.get(kind)
        if output.skipped_bytes or stream is None:
            if stream is not None and (held := stream.flush()):
                yield pb.Output(stream=kind, data=held)
            stream = self._redactor.stream(after_gap=bool(output.skipped_bytes))
            self._streams[kind] = stream
        output.data = stream.feed(output.data)
        if output.data or output.skipped_bytes:
            yield output

    def rest(self) -> Iterator[pb.Output]:
        for kind, stream in self._streams.items():
            if held := stream.flush():
                yield pb.Output(stream=kind, data=held)
