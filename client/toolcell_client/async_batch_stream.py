"""
The events of one batch, as an asynchronous iterator.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

import grpc

from toolcell_client.batching import BatchReading
from toolcell_client.closing import AsyncClosing
from toolcell_client.errors import ToolcellError
from toolcell_client.options import FAREWELL_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from typing import Self

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.async_connection import AsyncConnection
    from toolcell_client.batching import Ending
    from toolcell_client.deadline import Deadline


class AsyncBatchStream(BatchReading, AsyncClosing):
    """
    Iterates what happens to the calls of a batch, each tagged by `call_id`; `finished` is the last.

    To close it early, or to cancel the task that waits for it, cancels the executions that run,
    unless they are detached.  See `BatchStream` for broken connections.
    """

    def __init__(
        self, connection: AsyncConnection, request: pb.ExecuteBatchRequest, deadline: Deadline
    ) -> None:
        super().__init__(request)
        self._connection = connection
        self._over = False
        self._call = connection.executions.ExecuteBatch(
            request, timeout=deadline.remaining(), metadata=connection.options.call_metadata()
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.ExecuteBatchResponse:
        """
        Raises:
            ToolcellError: the batch was refused as a whole, timed out, or its connection broke.
        """
        if self._over:
            raise StopAsyncIteration
        try:
            event = await self._call.read()
            if event is not grpc.aio.EOF:
                self.take(cast("pb.ExecuteBatchResponse", event))
        except grpc.RpcError as exc:
            self._over = True
            raise translate(exc, self._connection.options.target) from exc
        except BaseException:  # cancelled, for one: whoever leaves must not leave tools running
            await self.aclose()
            raise
        if event is grpc.aio.EOF:
            self._over = True
            raise StopAsyncIteration
        return cast("pb.ExecuteBatchResponse", event)

    async def results(self) -> dict[str, Ending]:
        """
        As `BatchStream.results`.

        Raises:
            ToolcellError: as iterating; or the stream was closed before its end.
        """
        async for _ in self:
            pass
        return self.endings()

    async def aclose(self) -> None:
        """
        Stop reading, and cancel what runs and is not detached.
        """
        if self._over:
            return
        self._over = True
        self._call.cancel()
        if self.summary is None:
            # Shielded: a second cancellation must not leave tools running.
            await asyncio.shield(self._connection.in_background(self._end()))

    async def _end(self) -> None:
        for execution_id in self.owned():
            with contextlib.suppress(ToolcellError):
                await self._connection.cancel(execution_id, FAREWELL_SECONDS)
