"""
How a client connects: one frozen value, checked when built.

What is not given comes from the environment, as listed in `VARIABLES`; a token that is given, in
whichever way, beats those of the environment.

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
from typing import TYPE_CHECKING, Any, TypedDict

import grpc

from toolcell_client import tokens
from toolcell_client.channel_security import Papers

if TYPE_CHECKING:
    from collections.abc import Callable


DEFAULT_TARGET = "127.0.0.1:50051"
TARGET_VARIABLE = "TOOLCELL_TARGET"
TOKEN_VARIABLES = {"token": "TOOLCELL_TOKEN", "token_file": "TOOLCELL_TOKEN_FILE"}
PAPER_VARIABLES = {
    "ca": "TOOLCELL_CA",
    "certificate": "TOOLCELL_CERTIFICATE",
    "key": "TOOLCELL_KEY",
}
TLS_VARIABLE = "TOOLCELL_TLS"  # "1": TLS, by the authorities that gRPC ships if no TOOLCELL_CA
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
                {"service": "toolcell.v1.SessionService", "method": "GetSession"},
                {"service": "toolcell.v1.SessionService", "method": "ListSessions"},
                {"service": "toolcell.v1.SessionService", "method": "ListSessionFiles"},
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

File = str | os.PathLike[str]
Metadata = Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]]


class ConnectOptions(TypedDict, total=False):
    """
    The fields of `ClientOptions` beside its target, as keywords.
    """

    credentials: grpc.ChannelCredentials | Callable[[], str] | None
    token: str
    token_file: File
    tls: bool | None
    ca: File
    certificate: File
    key: File
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
    Who calls is said by a `token`, one in `token_file` (read again when it changes), or one that
    `credentials` returns each time it is called; or by `certificate` and `key` (PEM files).  `tls`
    asks for TLS, which `ca` (a PEM file of the server's authorities) and a certificate imply;
    `credentials` may also be gRPC's own for a channel.  A token is sent over plain text to this
    host only.  `metadata` goes with every call.  `timeout` is the
    default of every call, in seconds; None: the tool's wall limit alone bounds it.  `attempts` is
    how often in a row a broken call is taken up again before the error is raised.  `pairs` is made
    of `metadata`.

    Raises:
        ValueError: a value is out of range, a file cannot be read, a token would be sent in plain
            text to another host, or a metadata key or value is one that gRPC cannot send.
    """

    target: str = ""
    credentials: grpc.ChannelCredentials | Callable[[], str] | None = field(
        default=None, repr=False
    )
    token: str = field(default="", repr=False)
    token_file: File = ""
    tls: bool | None = None
    ca: File = ""
    certificate: File = ""
    key: File = ""
    metadata: Metadata = field(default=(), repr=False)
    timeout: float | None = None
    attempts: int = 6
    keepalive_seconds: float = 60.0
    maximum_receive_bytes: int = MAXIMUM_RECEIVE_BYTES
    channel_options: Sequence[tuple[str, int | str]] = ()
    pairs: tuple[tuple[str, str | bytes], ...] = field(init=False, repr=False)
    channel_credentials: grpc.ChannelCredentials | None = field(init=False, repr=False)
    _bearer: tokens.Token | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        target = self.target or os.environ.get(TARGET_VARIABLE) or DEFAULT_TARGET
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "pairs", _checked(self.metadata))
        object.__setattr__(self, "_bearer", self._token())
        object.__setattr__(self, "channel_credentials", self._channel_credentials())
        self._check_secrecy()
        if self.timeout is not None and self.timeout <= 0:
            raise ValueError("timeout must be positive, or None for no timeout")
        if self.attempts < 0:
            raise ValueError("attempts must not be negative; 0 means never to try again")
        if self.keepalive_seconds <= 0 or self.maximum_receive_bytes <= 0:
            raise ValueError("keepalive_seconds and maximum_receive_bytes must be positive")

    def call_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """
        What goes with a call that is made now: `metadata` and the token.

        Raises:
            ValueError: `credentials` returned what is no token.
        """
        if self._bearer is None:
            return self.pairs
        return (*self.pairs, (tokens.KEY, f"Bearer {self._bearer.current()}"))

    def _token(self) -> tokens.Token | None:
        function: Any = self.credentials if callable(self.credentials) else None
        if function or self.token or self.token_file or self._has_authorization():
            return tokens.source(self.token, self.token_file, function)
        token, file = _from_environment(TOKEN_VARIABLES).values()
        return tokens.source(token, file)

    def _channel_credentials(self) -> grpc.ChannelCredentials | None:
        """
        Those of the channel; None: plain text.
        """
        papers = Papers(ca=self.ca, certificate=self.certificate, key=self.key)
        if isinstance(self.credentials, grpc.ChannelCredentials):
            if papers or self.tls is not None:
                raise ValueError("credentials of a channel already say how it is secured")
            return self.credentials
        if self.tls is False:
            if papers:
                raise ValueError("tls=False, but ca, certificate and key are of TLS; leave tls out")
            return None
        if not papers:
            papers = Papers(**_from_environment(PAPER_VARIABLES))
        wanted = self.tls or papers or os.environ.get(TLS_VARIABLE, "") not in ("", "0")
        return papers.channel_credentials() if wanted else None

    @property
    def has_identity(self) -> bool:
        """
        Whether calls say who makes them, by a token or by a certificate.
        """
        papers = Papers(ca=self.ca, certificate=self.certificate, key=self.key)
        papers = papers or Papers(**_from_environment(PAPER_VARIABLES))
        return bool(self._bearer or self._has_authorization() or papers.certificate)

    def _has_authorization(self) -> bool:
        return any(key == tokens.KEY for key, _ in self.pairs)

    def _plain_secret(self) -> bool:
        secret = self._bearer is not None or self._has_authorization()
        return secret and self.channel_credentials is None

    def _check_secrecy(self) -> None:
        if self._bearer is not None and self._has_authorization():
            raise ValueError("metadata and token both say who calls; give one of them")
        if self._plain_secret() and not tokens.stays_here(self.target):
            raise ValueError(
                f"a token would be sent to {self.target} in plain text, for everybody on the way to"
                " read; use TLS: ca= with the PEM file of the server's authorities, or tls=True"
                " (on the command line --ca or --tls)"
            )

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
            # A token in plain text stays here, whatever proxy the environment names.
            *([("grpc.enable_http_proxy", 0)] if self._plain_secret() else []),
            *self.channel_options,
        ]


def _from_environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ.get(variable, "") for name, variable in variables.items()}


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
