"""
From a refusal to a `google.rpc.Status`, and onto the wire.

Theory of operation.  A status travels in the trailers of the call, and gRPC replaces the whole
error by "metadata size exceeds hard limit" when those grow beyond 16 KiB (measured with grpcio
1.85), and may do so at random beyond 8 KiB.  So everything here has a size: the details 4 KiB
together, the message 768 bytes; it travels twice, once in the details and once with each byte that
is not ASCII as three ("%E2").  Violations are the part that gives way, and how many were left out
is said.  Everything that can hold a caller's text is escaped: a terminal shows these messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    QuotaFailure,
    ResourceInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from toolcell_server.refusals import QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from toolcell_server.refusals import CallRefused

DOMAIN: Final = "toolcell"
MAXIMUM_MESSAGE: Final = 768  # bytes
MAXIMUM_DETAILS: Final = 4096  # bytes, of all details together
MAXIMUM_VALUE: Final = 256  # bytes, of one text in the details
_RESOURCES: Final = {"tool": "tool", "execution_id": "execution", "path": "path"}


def to_status(refusal: CallRefused) -> Status:
    """
    The status of a refusal: ErrorInfo always, BadRequest, RetryInfo, QuotaFailure and ResourceInfo
    where it names fields, a delay, quotas, a thing.
    """
    others = [
        _pack(detail) for detail in (*_retry(refusal), *_quotas(refusal), *_resource(refusal))
    ]
    room = MAXIMUM_DETAILS - sum(detail.ByteSize() for detail in others)
    # With the longest count of left-out violations, so that the real one surely fits.
    info = _pack(_error_info(refusal, left_out=len(refusal.violations)))
    bad_request, left_out = _bad_request(refusal, room - info.ByteSize())
    details = [_pack(_error_info(refusal, left_out=left_out)) if refusal.violations else info]
    if bad_request.field_violations:
        details.append(_pack(bad_request))
    code, _ = grpc.StatusCode[refusal.code].value
    return Status(
        code=code, message=_text(refusal.message, MAXIMUM_MESSAGE), details=details + others
    )


def internal(error_id: str) -> Status:
    """
    The status of a fault of our own: nothing but the id under which the log tells more.
    """
    code, _ = grpc.StatusCode.INTERNAL.value
    info = ErrorInfo(
        reason="INTERNAL",
        domain=DOMAIN,
        metadata={"error_id": error_id, "category": "unknown", "retryable": "false"},
    )
    message = f"internal error {error_id}; report this id to the operator, whose log explains it"
    return Status(code=code, message=message, details=[_pack(info)])


async def abort(
    context: grpc.aio.ServicerContext[Message, Message],
    status: Status,
    retry_delay_seconds: float = 0.0,
) -> NoReturn:
    """
    End the call with this status.

    Raises:
        grpc.aio.AbortError: always; it ends the handler.
    """
    rich = rpc_status.to_status(status)
    trailers = list(rich.trailing_metadata)
    if retry_delay_seconds:
        # What gRPC's own retries obey; RetryInfo is for code that reads details.
        trailers.append(("grpc-retry-pushback-ms", str(round(retry_delay_seconds * 1000))))
    await context.abort(rich.code, rich.details, tuple(trailers))


def _error_info(refusal: CallRefused, left_out: int) -> ErrorInfo:
    metadata = {
        **refusal.metadata,
        "category": refusal.category,
        "retryable": "true" if refusal.retryable else "false",
        "hint": refusal.hint,
        "spoken": refusal.spoken,
    }
    if left_out:
        metadata["violations_left_out"] = str(left_out)
    return ErrorInfo(
        reason=refusal.reason,
        domain=DOMAIN,
        metadata={key: _text(value, MAXIMUM_VALUE) for key, value in metadata.items() if value},
    )


def _bad_request(refusal: CallRefused, room: int) -> tuple[BadRequest, int]:
    """
    As many violations as there is room for, in order; and how many were left out.
    """
    kept = BadRequest()
    for field, description in refusal.violations:
        kept.field_violations.add(
            field=_text(field, MAXIMUM_VALUE), description=_text(description, MAXIMUM_VALUE)
        )
        if _pack(kept).ByteSize() > room:
            del kept.field_violations[-1]
            break
    return kept, len(refusal.violations) - len(kept.field_violations)


def _retry(refusal: CallRefused) -> Iterator[RetryInfo]:
    if refusal.retry_delay_seconds:
        delay = Duration()
        delay.FromMilliseconds(round(refusal.retry_delay_seconds * 1000))
        yield RetryInfo(retry_delay=delay)


def _quotas(refusal: CallRefused) -> Iterator[QuotaFailure]:
    """
    Few, so that they need not give way.
    """
    if isinstance(refusal, QuotaExceeded):
        failure = QuotaFailure()
        for subject, description in refusal.quotas:
            failure.violations.add(
                subject=_text(subject, MAXIMUM_VALUE),
                description=_text(description, MAXIMUM_VALUE),
            )
        yield failure


def _resource(refusal: CallRefused) -> Iterator[ResourceInfo]:
    for key, kind in _RESOURCES.items():
        if name := refusal.metadata.get(key):
            yield ResourceInfo(resource_type=kind, resource_name=_text(name, MAXIMUM_VALUE))
            return


def _pack(detail: Message) -> Packed:
    packed = Packed()
    packed.Pack(detail)
    return packed


def _text(text: str, maximum: int) -> str:
    """
    Printable text of at most that many bytes in UTF-8.
    """
    # By far the most texts are printable, and under overload most calls are refused.
    shown = text[:maximum]
    printable = shown if shown.isprintable() else "".join(map(_printable, shown))
    encoded = printable.encode()
    if len(encoded) <= maximum and len(text) <= maximum:
        return printable
    return encoded[: maximum - 3].decode(errors="ignore") + "…"


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
