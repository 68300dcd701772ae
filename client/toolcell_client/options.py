"""
How a client connects: one frozen value, checked when built.  Pure but for one environment variable.

Theory of operation.  Calls that only read are retried by gRPC itself, by the service config below.
`Execute` and `Run` are not in it: a connection that broke may have left a tool running, so their
retries are decided in `recovery`, which knows what has been accepted.  No load balancing is asked
for: `Watch` and `CancelExecution` must reach the server that runs the execution.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import grpc


DEFAULT_TARGET = "127.0.0.1:50051"
TARGET_VARIABLE = "TOOLCELL_TARGET"
MAXIMUM_RECEIVE_BYTES = 16 * 2**20  # above the largest message the server sends
MARGIN_SECONDS = 5.0  # by which an RPC outlives the call's timeout, so that the ending arrives
ADMINISTRATION_SECONDS = 10.0  # arbitrary; of a call that runs no tool
SETTLE_SECONDS = 1.0  # arbitrary; of waiting for the status of a stream whose end has been read
FAREWELL_SECONDS = 2.0  # arbitrary; of the cancel that Ctrl-C waits for

_METADATA_KEY = re.compile(r"[0-9a-z_.-]+\Z")
_METADATA_TEXT = re.compile(r"[ -~]*\Z")

SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": "toolcell.v1.ToolRegistryService"},
                {"service": "toolcell.v1.ApprovalService"},
                {"service": "toolcell.v1.ToolExecutionService", "method": "GetExecution"},
                {"service": "toolcell.v1.ToolExecutionService", "method": "ListExecutions"},
                {"service": "toolcell.v1.ToolExecutionService", "method": "CancelExecution"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}

Metadata = Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]]


class ConnectOptions(TypedDict, total=False):
    """
    The fields of `ClientOptions` beside its target, as keywords.
    """

    credentials: grpc.ChannelCredentials | None
    metadata: Metadata
    timeout: float | None
    attempts: int
    keepalive_seconds: float
    maximum_receive_bytes: int
    channel_options: Sequence[tuple[str, int | str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """
    How a client connects.

    `target` is `host:port`; empty: the environment's TOOLCELL_TARGET, else 127.0.0.1:50051.
    `credentials` is None for plain text.  `metadata` goes with every call.  `timeout` is the
    default of every call, in seconds; None: the tool's wall limit alone bounds it.  `attempts` is
    how often in a row a broken call is taken up again before the error is raised.  `pairs` is made
    of `metadata`.

    Raises:
        ValueError: a value is out of range, or a metadata key or value that gRPC cannot send.
    """

    target: str = ""
    credentials: grpc.ChannelCredentials | None = None
    metadata: Metadata = ()
    timeout: float | None = None
    attempts: int = 6
    keepalive_seconds: float = 60.0
    maximum_receive_bytes: int = MAXIMUM_RECEIVE_BYTES
    channel_options: Sequence[tuple[str, int | str]] = ()
    pairs: tuple[tuple[str, str | bytes], ...] = field(init=False)

    def __post_init__(self) -> None:
        target = self.target or os.environ.get(TARGET_VARIABLE) or DEFAULT_TARGET
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "pairs", _checked(self.metadata))
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError("timeout must be positive, or None for no timeout")
        if self.attempts < 0:
            raise ValueError("attempts must not be negative; 0 means never to try again")
        if self.keepalive_seconds <= 0 or self.maximum_receive_bytes <= 0:
            raise ValueError("keepalive_seconds and maximum_receive_bytes must be positive")

    def channel_arguments(self) -> list[tuple[str, int | str]]:
        """
        The channel's options; those of the caller come last and win.
        """
        return [
            ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
            ("grpc.keepalive_time_ms", int(self.keepalive_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.http2.max_pings_without_data", 0),  # a silent tool must not end the pings
            ("grpc.max_receive_message_length", self.maximum_receive_bytes),
            # gRPC's own 1 s would outlast most of the attempts to re-attach.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            *self.channel_options,
        ]


def _checked(metadata: Metadata) -> tuple[tuple[str, str | bytes], ...]:
    pairs = tuple(metadata.items() if isinstance(metadata, Mapping) else metadata)
    for key, value in pairs:
        if not _METADATA_KEY.match(key):
            raise ValueError(f"metadata key {key!r} must be lower-case letters, digits and _ . -")
        binary = key.endswith("-bin")
        if binary != isinstance(value, bytes):
            raise ValueError(f"metadata {key!r}: keys that end in -bin, and only they, have bytes")
        if isinstance(value, str) and not _METADATA_TEXT.match(value):
            raise ValueError(f"metadata {key!r} must have a value of printable ASCII")
    return pairs
