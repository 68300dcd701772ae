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

    from prometheus_client import Counter

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


class MetricsInterceptor(rpc_handlers.Around):
    """
    Counts RPCs, their messages, their endings, and the refusals among these.
    """

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics.rpcs
        self._unknown = _Method(metrics.rpcs, ("unary", OTHER, OTHER))

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await super().intercept_service(continuation, handler_call_details)
        if handler is None:
            _Rpc(self._unknown).ended(grpc.StatusCode.UNIMPLEMENTED)
        return handler

    def _wrap(self, method: str, handler: Handler) -> Handler:
        _, service, of_service = method.split("/")
        labels = (_TYPES[rpc_handlers.kind(handler)], service, of_service)
        counters = _Method(self._metrics, labels)
        return rpc_handlers.wrapped(
            handler,
            lambda behaviour: _counted_coroutine(behaviour, counters),
            lambda behaviour: _counted_generator(behaviour, counters),
        )


class _Method:
    """
    The counters of one method, found once: the library checks and locks each time it is asked.
    """

    def __init__(self, metrics: RpcMetrics, labels: tuple[str, str, str]) -> None:
        self.started = metrics.started.labels(*labels)
        self.received = metrics.received.labels(*labels)
        self.sent = metrics.sent.labels(*labels)
        self.seconds = metrics.seconds.labels(*labels)
        self.refusals = metrics.refusals
        self._handled = metrics.handled
        self._labels = labels
        self._by_code: dict[grpc.StatusCode, Counter] = {}

    def handled(self, code: grpc.StatusCode) -> Counter:
        if code not in self._by_code:
            self._by_code[code] = self._handled.labels(*self._labels, go_name(code))
        return self._by_code[code]


def _counted_coroutine(behaviour: Coroutine, method: _Method) -> Coroutine:
    async def counted(request: Any, context: Context) -> Any:
        rpc = _Rpc(method)
        try:
            response = await behaviour(request, context)
        except BaseException as error:
            rpc.failed(error, context)
            raise
        rpc.sent()
        rpc.ended(grpc.StatusCode.OK)
        return response

    return counted


def _counted_generator(behaviour: Generator, method: _Method) -> Generator:
    async def counted(request: Any, context: Context) -> AsyncGenerator[Any, None]:
        rpc = _Rpc(method)
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
    method: _Method
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.method.started.inc()
        self.method.received.inc()

    def sent(self) -> None:
        self.method.sent.inc()

    def ended(self, code: grpc.StatusCode) -> None:
        self.method.handled(code).inc()
        self.method.seconds.observe(time.monotonic() - self.began)

    def failed(self, error: BaseException, context: Context) -> None:
        if isinstance(error, CallRefused):
            self.method.refusals.labels(error.reason).inc()
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
