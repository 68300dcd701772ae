"""
What a hosted function sees of its call: who asks, how long it has, and where to report.

Theory of operation.  The server lets a call send only so much that nobody has read (`Credit`): a
function that reports faster than its caller reads is made to wait.  One that runs in a thread waits
there; a coroutine awaits.  Once the call is cancelled nobody reads any more: reports raise
`Cancelled`, which ends a function that reports.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import host_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

FRAME_BYTES: Final = 64  # what an event takes of the credit beside its size, as the contract says
PIECE_BYTES: Final = 256 * 1024  # arbitrary; what is larger is sent in pieces
LEVELS: Final = {
    "debug": pb.LOG_LEVEL_DEBUG,
    "info": pb.LOG_LEVEL_INFO,
    "warning": pb.LOG_LEVEL_WARNING,
    "error": pb.LOG_LEVEL_ERROR,
}


class Cancelled(Exception):  # noqa: N818  # names what happened
    """
    Raised in a hosted function that reports something when its call has been cancelled.
    """


class Outlet:
    """
    Where the events of one call leave, in the loop of its host.
    """

    def __init__(
        self,
        number: int,
        window_bytes: int,
        send: Callable[[host_pb2.HostToolsRequest], None],
    ) -> None:
        self.cancelled = asyncio.Event()
        self._number = number
        self._credit = window_bytes
        self._send = send
        self._changed = asyncio.Event()

    def give(self, credit: int) -> None:
        """
        More may be sent.
        """
        self._credit += credit
        self._changed.set()

    def cancel(self) -> None:
        """
        Nobody reads any more.
        """
        self.cancelled.set()
        self._changed.set()

    async def put(self, **event: Any) -> None:
        """
        Send an event as soon as there is credit for it.

        Raises:
            Cancelled: nobody would read it.
        """
        while self._credit <= 0 and not self.cancelled.is_set():
            self._changed.clear()
            await self._changed.wait()
        if self.cancelled.is_set():
            raise Cancelled("the call has been cancelled")
        said = host_pb2.HostToolsRequest(call=self._number, **event)
        self._credit -= said.ByteSize() + FRAME_BYTES
        self._send(said)

    def end(self, **ending: Any) -> None:
        """
        Say the last word; it takes no credit.
        """
        self._send(host_pb2.HostToolsRequest(call=self._number, **ending))


class AsyncHostedCall:
    """
    The call, for a coroutine.  `deadline` is a reading of `time.monotonic()`.
    """

    def __init__(self, said: host_pb2.HostedCall, outlet: Outlet) -> None:
        self.tool, self.version = said.tool, said.version
        self.execution_id, self.call_id = said.execution_id, said.call_id
        self.attempt = said.attempt
        self.deadline = time.monotonic() + said.timeout.ToMilliseconds() / 1000
        self._outlet = outlet

    @property
    def remaining(self) -> float:
        """
        Seconds until the server ends the call.
        """
        return max(0.0, self.deadline - time.monotonic())

    @property
    def cancelled(self) -> bool:
        """
        Whether nobody waits for it any more.
        """
        return self._outlet.cancelled.is_set()

    async def print(self, text: str | bytes, *, error: bool = False) -> None:
        """
        Bytes of the tool's standard output or error; what is printed otherwise stays here.
        """
        data = text.encode("utf-8", "replace") if isinstance(text, str) else text
        stream = pb.OUTPUT_STREAM_STDERR if error else pb.OUTPUT_STREAM_STDOUT
        for at in range(0, len(data), PIECE_BYTES):
            piece = pb.Output(stream=stream, data=data[at : at + PIECE_BYTES])
            await self._outlet.put(output=piece)

    async def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """
        A log record; `level` is debug, info, warning or error.
        """
        data = json.dumps(fields, allow_nan=False).encode() if fields else b""
        log = pb.Log(level=LEVELS[level], message=message, fields_json=data)
        await self._outlet.put(log=log)

    async def progress(self, fraction: float | None = None, message: str = "") -> None:
        """
        How far it is, from 0 to 1; None: nobody knows.
        """
        await self._outlet.put(progress=pb.Progress(fraction=fraction, message=message))

    async def partial(self, value: Any) -> None:
        """
        A part of the answer, as a generator's `yield` gives.
        """
        data = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        await self._outlet.put(partial=pb.Partial(value_json=data))


class HostedCall:
    """
    The same for a function that runs in a thread.
    """

    def __init__(self, call: AsyncHostedCall, loop: asyncio.AbstractEventLoop) -> None:
        self._call, self._loop = call, loop

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._call, name)

    def print(self, text: str | bytes, *, error: bool = False) -> None:
        self._wait(self._call.print(text, error=error))

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        self._wait(self._call.log(message, level, **fields))

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        self._wait(self._call.progress(fraction, message))

    def partial(self, value: Any) -> None:
        self._wait(self._call.partial(value))

    def _wait(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
