"""
What batches say and what they come to, for both kinds of client.  No network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.rpc.status_pb2 import Status
from toolcell.v1 import execution_pb2 as pb

from toolcell_client.errors import CallRefused, ToolcellError
from toolcell_client.folding import Folding
from toolcell_client.requests import call_fields
from toolcell_client.result import Result
from toolcell_client.translation import refused

# `{"tool": "add", "arguments": {…}, …}` with the options of `Client.run`, or `("add", {…})`.
BatchCalls = Iterable[Mapping[str, Any] | tuple[str, Any] | pb.ExecuteRequest]


@dataclass(frozen=True, slots=True)
class NotRun:
    """
    A call of a batch that was not begun, because another one had failed.
    """

    failed_call_id: str


Ending = Result | CallRefused | NotRun


def batch_request(
    calls: BatchCalls, max_parallel: int, *, stop_on_failure: bool
) -> pb.ExecuteBatchRequest:
    """
    Asks to run these calls; each has a `request_id`, unless it says "", so that the same request
    may be sent again.

    Raises:
        TypeError: a call, or a value in it, is of a type that cannot be sent.
        ValueError: a value cannot be sent; names it.
    """
    return pb.ExecuteBatchRequest(
        calls=[_call(number, each) for number, each in enumerate(calls)],
        max_parallel=max_parallel,
        stop_on_failure=stop_on_failure,
    )


def _call(number: int, call: Mapping[str, Any] | tuple[str, Any] | object) -> pb.ExecuteRequest:
    if isinstance(call, pb.ExecuteRequest):
        return call
    if isinstance(call, tuple):
        call = dict(zip(("tool", "arguments"), call, strict=True))
    if not isinstance(call, Mapping) or "tool" not in call:
        raise TypeError(f"calls[{number}] must be a mapping with a tool, not {call!r:.80}")
    return pb.ExecuteRequest(**call_fields(**call))


class BatchReading:
    """
    The state of the stream of one batch.
    """

    def __init__(self, request: pb.ExecuteBatchRequest) -> None:
        self.request = request
        self.summary: pb.BatchFinished | None = None
        self._detached = {call.call_id or str(n): call.detached for n, call in _numbered(request)}
        self._foldings: dict[str, Folding] = {}
        self._running: dict[str, str] = {}
        self._endings: dict[str, Ending] = {}

    def take(self, event: pb.ExecuteBatchResponse) -> None:
        """
        Note what one event says.

        Raises:
            ContractBroken: a piece of a result is missing.
        """
        call_id = event.call_id
        match event.WhichOneof("event"):
            case "execution":
                self._fold(call_id, event.execution)
            case "refused":
                status = Status.FromString(event.refused.SerializeToString())
                self._endings[call_id] = refused(status)
            case "not_run":
                self._endings[call_id] = NotRun(event.not_run.failed_call_id)
            case "finished":
                self.summary = event.finished

    def owned(self) -> list[str]:
        """
        Executions that run, and that end with their stream.
        """
        return [run for call_id, run in self._running.items() if not self._detached.get(call_id)]

    def endings(self) -> dict[str, Ending]:
        """
        How each call ended, by `call_id`, in the order of the request.

        Raises:
            ToolcellError: the stream was closed before its end.
        """
        if self.summary is None:
            raise ToolcellError("the stream was closed before its end")
        return {call.call_id: self._endings[call.call_id] for call in self.summary.calls}

    def _fold(self, call_id: str, event: pb.ExecuteResponse) -> None:
        folding = self._foldings.setdefault(call_id, Folding())
        folding.add(event)
        self._running[call_id] = event.execution_id
        if folding.result is not None:
            self._endings[call_id] = folding.result
            del self._running[call_id], self._foldings[call_id]


def _numbered(request: pb.ExecuteBatchRequest) -> Iterable[tuple[int, pb.ExecuteRequest]]:
    return enumerate(request.calls, 1)
