"""
Calls as any gRPC client makes them, without ours: what is refused, and with what words.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
)
from google.rpc.status_pb2 import Status
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc, registry_pb2_grpc

SECONDS = 20  # of one call; arbitrary, far above what a refusal takes
DETAILS = "grpc-status-details-bin"
TOOLCELL = [sys.executable, "-m", "toolcell_client.cli"]


class NotRefused(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when a call that should have been refused was answered.
    """


@dataclass(frozen=True, slots=True)
class Refused:
    """
    A refusal: its code, what its ErrorInfo and BadRequest say, and how many bytes the trailers are.
    """

    code: str
    message: str
    reason: str
    metadata: dict[str, str]
    fields: list[str]
    size: int


class PlainCalls:
    """
    The stubs of one server, over a channel that sends messages of any size.
    """

    def __init__(self, target: str) -> None:
        unbounded = [("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(target, unbounded)
        self.executions: Any = execution_pb2_grpc.ToolExecutionServiceStub(self.channel)
        self.registry: Any = registry_pb2_grpc.ToolRegistryServiceStub(self.channel)

    def run(self, tool: str, arguments: bytes = b"{}", **fields: Any) -> pb.RunResponse:
        request = pb.RunRequest(tool=tool, arguments_json=arguments, **fields)
        response: pb.RunResponse = self.executions.Run(request, timeout=SECONDS)
        return response

    def refused(self, request: Any) -> Refused:
        """
        The refusal of a call; the method, of either service, is the one that takes this request.

        Raises:
            NotRefused: it was answered.
        """
        method = type(request).__name__.removesuffix("Request")
        stub = getattr(self.executions, method, None) or getattr(self.registry, method)
        try:
            answer = stub(request, timeout=SECONDS)
            events = list(answer) if isinstance(answer, Iterator) else [answer]
        except grpc.RpcError as error:
            return _refused(error)
        raise NotRefused(f"{method} was answered: {str(events)[:500]}")


def _refused(error: Any) -> Refused:
    trailers = list(error.trailing_metadata() or ())
    info, request = ErrorInfo(), BadRequest()
    for detail in Status.FromString(dict(trailers).get(DETAILS, b"")).details:
        for known in (info, request):
            detail.Unpack(known)
    return Refused(
        code=error.code().name,
        message=error.details() or "",
        reason=info.reason,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in request.field_violations],
        size=sum(len(key) + len(value) for key, value in trailers),
    )


def toolcell(target: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """
    The command `toolcell`, to its end, with its output captured.
    """
    command = [*TOOLCELL, words[0], *words[1:], *(["--target", target] if target else [])]
    options = {"stdin": subprocess.DEVNULL} | options if "input" not in options else options
    return subprocess.run(
        command, capture_output=True, text=True, timeout=50, check=False, **options
    )
