"""
Refuses calls as the server does: a status with google.rpc details in its trailers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    QuotaFailure,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from toolcell_client.translation import DETAILS_KEY, DOMAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """
    One way to refuse; `violations` are (field, description), `quotas` are
    (subject, description), `retry_delay` is in seconds.

    Without a `reason` it has no details at all: so gRPC itself reports, as when a connection breaks
    or a proxy answers in the server's stead.
    """

    code: grpc.StatusCode
    reason: str = ""
    message: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    quotas: Sequence[tuple[str, str]] = ()
    retry_delay: float | None = None

    def abort(self, context: Any) -> NoReturn:
        """
        End the call.

        Raises:
            Exception: always; gRPC ends the handler by it.
        """
        number, _ = self.code.value
        message = self.message or self.reason or "Socket closed"
        if not self.reason:
            context.abort(self.code, message)
        status = Status(code=number, message=message, details=self._details())
        context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
        context.abort(self.code, message)
        raise AssertionError("abort raises")

    def _details(self) -> list[Packed]:
        info = ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=dict(self.metadata))
        details: list[Any] = [info]
        if self.violations:
            violations = [{"field": name, "description": text} for name, text in self.violations]
            details.append(BadRequest(field_violations=violations))
        if self.quotas:
            quotas = [{"subject": whose, "description": text} for whose, text in self.quotas]
            details.append(QuotaFailure(violations=quotas))
        if self.retry_delay is not None:
            retry = RetryInfo()
            retry.retry_delay.FromNanoseconds(round(self.retry_delay * 10**9))
            details.append(retry)
        packed = [Packed() for _ in details]
        for each, detail in zip(packed, details, strict=True):
            each.Pack(detail)
        return packed
