"""
One stream of a host: the offer, the calls that come, and the end.

Theory of operation.  One task reads, one writes, each call is a task.  What is written waits in a
queue; the credit of the calls bounds it.  A stream that is asked to leave says so, and the server,
which may have sent it a call meanwhile, ends it when its calls have ended.  When the connection
breaks nobody can be told anything: calls that run are cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import grpc
import grpc.aio
from toolcell.v1 import host_pb2 as pb

from toolcell_client.errors import ConnectionLost, ContractBroken
from toolcell_client.hosting import running
from toolcell_client.hosting.calls import Outlet
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.async_connection import AsyncConnection
    from toolcell_client.hosting.definition import HostedTool

HEARTBEATS: Final = 4  # arbitrary; so many in a row that do not come, and the server is gone


class HostStream:
    """
    `welcomed` is set once the tools can be called, `draining` when another stream should be opened
    in place of this one.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        offer: pb.HostOffer,
        tools: Mapping[tuple[str, str], HostedTool],
    ) -> None:
        self.welcomed = asyncio.Event()
        self.draining = asyncio.Event()
        self._connection, self._offer = connection, offer
        self._tools = tools
        self._outgoing: asyncio.Queue[pb.HostToolsRequest] = asyncio.Queue()
        self._outlets: dict[int, Outlet] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._window = 0
        self._patience: float | None = None  # seconds in which the server says something
        self._stream: Any = None

    async def serve(self) -> None:
        """
        Offer and serve until the stream has ended in good order.

        Raises:
            ToolcellError: the server refuses, or the connection broke.
        """
        options = self._connection.options
        stream: Any = self._connection.hosts.HostTools(metadata=options.call_metadata())
        self._stream = stream
        self._send(pb.HostToolsRequest(offer=self._offer))
        writing = asyncio.ensure_future(self._write(stream))
        try:
            await self._read(stream)
        except grpc.RpcError as exc:
            raise translate(exc, options.target) from exc
        finally:
            for outlet in self._outlets.values():
                outlet.cancel()
            writing.cancel()
            stream.cancel()
            await asyncio.gather(writing, *self._calls, return_exceptions=True)

    def leave(self) -> None:
        """
        Take no further calls, and end when those that run have ended.
        """
        if not self._leaving:
            self._leaving = True
            if self._stream is not None and not self.welcomed.is_set():
                self._stream.cancel()  # nothing runs, and nobody may ever answer
            self._send(pb.HostToolsRequest(leaving=pb.HostLeaving()))

    async def _read(self, stream: Any) -> None:
        """
        Raises:
            ConnectionLost: the server has cancelled the stream without a word.
        """
        try:
            while (said := await self._next(stream)) is not grpc.aio.EOF:
                self._hear(said)
        except asyncio.CancelledError:
            self._connection.raise_unless_cancelled()
            raise
        if await stream.code() is not grpc.StatusCode.OK:
            raise ConnectionLost("the stream of the host broke", self._connection.options.target)
        if not (self._leaving or self.draining.is_set()):
            raise ConnectionLost("the server ended the stream", self._connection.options.target)

    async def _next(self, stream: Any) -> Any:
        """
        Raises:
            ConnectionLost: the server has been silent for too long; a broken network says nothing.
        """
        try:
            async with asyncio.timeout(self._patience):
                return await stream.read()
        except TimeoutError:
            target = self._connection.options.target
            raise ConnectionLost(f"the server at {target} is silent", target) from None

    async def _write(self, stream: Any) -> None:
        with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):  # the reader hears why
            while True:
                await stream.write(await self._outgoing.get())

    def _hear(self, said: pb.HostToolsResponse) -> None:
        """
        Raises:
            ContractBroken: the server calls what was never offered.
        """
        outlet = self._outlets.get(said.call)
        match said.WhichOneof("message"):
            case "welcome":
                self._window = said.welcome.window_bytes
                self._patience = HEARTBEATS * said.welcome.heartbeat.ToMilliseconds() / 1000
                self.welcomed.set()
            case "start":
                self._start(said.call, said.start)
            case "cancel" if outlet is not None:
                outlet.cancel()
            case "credit" if outlet is not None:
                outlet.give(said.credit.bytes)
            case "heartbeat":
                self._send(pb.HostToolsRequest(heartbeat=said.heartbeat))
            case "draining":
                self.draining.set()

    def _start(self, number: int, call: pb.HostedCall) -> None:
        tool = self._tools.get((call.tool, call.version))
        if tool is None:
            raise ContractBroken(
                f"the server calls {call.tool} {call.version}, which nobody offers"
            )
        outlet = self._outlets[number] = Outlet(number, self._window, self._send)
        task = asyncio.ensure_future(running.run(tool, call, outlet))
        self._calls.add(task)
        task.add_done_callback(lambda task: self._ended(number, task))

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._outlets.pop(number, None)

    def _send(self, said: pb.HostToolsRequest) -> None:
        self._outgoing.put_nowait(said)
