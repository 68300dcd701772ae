"""
Around every RPC, inside the error interceptor: each is counted by method and code.

Label values are those of go-grpc-prometheus (`unary`, `InvalidArgument`), which existing dashboards
expect.  Unknown methods are one label value: anybody can call any name.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc

from toolcell_server import rpc_handlers
from toolcell_server.metrics import OTHER
from toolcell_server.refusals import CallRefused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from toolcell_server.metric_groups import RpcMetrics
    from toolcell_server.metrics import Metrics
    from toolcell_server.rpc_handlers import Context, Continuation, Coroutine, Generator, Handler

_TYPES: Final = {
    "unary_unary": "unary",
    "unary_stream": "server_stream",
    "stream_unary": "client_stream",
    "stream_stream": "bidi_stream",
}
_SPELLED_OTHERWISE: Final = {"OK": "OK", "CANCELLED": "Canceled"}
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}


class MetricsInterceptor(grpc.aio.ServerInterceptor):
    """
    Counts RPCs, their messages, their endings, and the refusals among these.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.rpcs

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            unknown = _Rpc(self._metrics, ("unary", OTHER, OTHER))
            unknown.ended(grpc.StatusCode.UNIMPLEMENTED)
            return None
        _, service, method = handler_call_details.method.split("/")
        labels = (_TYPES[rpc_handlers.kind(handler)], service, method)
        return rpc_handlers.wrapped(
            handler,
            lambda behaviour: self._counted_coroutine(behaviour, labels),
            lambda behaviour: self._counted_generator(behaviour, labels),
        )

    def _counted_coroutine(self, behaviour: Coroutine, labels: tuple[str, str, str]) -> Coroutine:
        async def counted(request: Any, context: Context) -> Any:
            rpc = _Rpc(self._metrics, labels)
            try:
                response = await behaviour(request, context)
            except BaseException as error:
                rpc.failed(error, context)
                raise
            rpc.sent()
            rpc.ended(grpc.StatusCode.OK)
            return response

        return counted

    def _counted_generator(self, behaviour: Generator, labels: tuple[str, str, str]) -> Generator:
        async def counted(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            rpc = _Rpc(self._metrics, labels)
            try:
                async with aclosing(behaviour(request, context)) as responses:
                    async for response in responses:
                        yield response
                        rpc.sent()
            except BaseException as error:
                rpc.failed(error, context)
                raise
            rpc.ended(grpc.StatusCode.OK)

        return counted


@dataclass(slots=True)
class _Rpc:
    metrics: RpcMetrics
    labels: tuple[str, str, str]
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.metrics.started.labels(*self.labels).inc()
        self.metrics.received.labels(*self.labels).inc()

    def sent(self) -> None:
        self.metrics.sent.labels(*self.labels).inc()

    def ended(self, code: grpc.StatusCode) -> None:
        self.metrics.handled.labels(*self.labels, go_name(code)).inc()
        self.metrics.seconds.labels(*self.labels).observe(time.monotonic() - self.began)

    def failed(self, error: BaseException, context: Context) -> None:
        if isinstance(error, CallRefused):
            self.metrics.refusals.labels(error.reason).inc()
        self.ended(_code(error, context))


def go_name(code: grpc.StatusCode) -> str:
    """
    The name of a code as Go spells it: `InvalidArgument`, `OK`, `Canceled`.
    """
    words = code.name.split("_")
    return _SPELLED_OTHERWISE.get(code.name, "".join(word.capitalize() for word in words))


def _code(error: BaseException, context: Context) -> grpc.StatusCode:
    """
    The code with which the caller sees this error, or would if it were still there.
    """
    if isinstance(error, CallRefused):
        return grpc.StatusCode[error.code]
    if isinstance(error, grpc.aio.AbortError):
        code = context.code()
        return _BY_NUMBER.get(code, grpc.StatusCode.UNKNOWN) if isinstance(code, int) else code
    if isinstance(error, Exception):
        return grpc.StatusCode.INTERNAL
    remaining = context.time_remaining()  # CancelledError, GeneratorExit
    expired = remaining is not None and remaining <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED
