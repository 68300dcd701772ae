"""
The events of one batch, as a synchronous iterator.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from toolcell_client.batching import BatchReading
from toolcell_client.closing import Closing
from toolcell_client.errors import ToolcellError
from toolcell_client.options import FAREWELL_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from typing import Self

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.batching import Ending
    from toolcell_client.connection import Connection
    from toolcell_client.deadline import Deadline


class BatchStream(BatchReading, Closing):
    """
    Iterates what happens to the calls of a batch, each tagged by `call_id`; `finished` is the last.

    To close it early, or to press Ctrl-C while it waits, cancels the executions that run, unless
    they are detached.  A connection that breaks is raised as `ConnectionLost`; to send `request`
    again joins or replays every call by its `request_id`.
    """

    def __init__(
        self, connection: Connection, request: pb.ExecuteBatchRequest, deadline: Deadline
    ) -> None:
        super().__init__(request)
        self._connection = connection
        self._over = False
        self._call = connection.executions.ExecuteBatch(
            request, timeout=deadline.remaining(), metadata=connection.options.call_metadata()
        )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pb.ExecuteBatchResponse:
        """
        Raises:
            ToolcellError: the batch was refused as a whole, timed out, or its connection broke.
        """
        if self._over:
            raise StopIteration
        try:
            event: pb.ExecuteBatchResponse = next(self._call)
            self.take(event)
        except grpc.RpcError as exc:
            self._over = True
            raise translate(exc, self._connection.options.target) from exc
        except StopIteration:
            self._over = True
            raise
        except BaseException:  # Ctrl-C, for one: whoever leaves must not leave tools running
            self.close()
            raise
        return event

    def results(self) -> dict[str, Ending]:
        """
        Read to the end: how each call ended, by `call_id`, in the order of the request: a `Result`,
        the `CallRefused` that it was refused with, or `NotRun`.

        Raises:
            ToolcellError: as iterating; or the stream was closed before its end.
        """
        for _ in self:
            pass
        return self.endings()

    def close(self) -> None:
        """
        Stop reading, and cancel what runs and is not detached.
        """
        if self._over:
            return
        self._over = True
        self._call.cancel()
        if self.summary is None:
            for execution_id in self.owned():
                # Best effort: if the server does not hear it, its reattach_grace ends it.
                with contextlib.suppress(ToolcellError):
                    self._connection.cancel(execution_id, FAREWELL_SECONDS)
