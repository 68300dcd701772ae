"""
Puts code around the handler of an RPC.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

# Texts: the types of gRPC are generic in its stubs only.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
Coroutine: TypeAlias = "Callable[[Any, Context], Awaitable[Any]]"
Generator: TypeAlias = "Callable[[Any, Context], AsyncGenerator[Any, None]]"

_MAKERS: dict[str, Callable[..., Handler]] = {
    "unary_unary": grpc.unary_unary_rpc_method_handler,
    "unary_stream": grpc.unary_stream_rpc_method_handler,
    "stream_unary": grpc.stream_unary_rpc_method_handler,
    "stream_stream": grpc.stream_stream_rpc_method_handler,
}


def kind(handler: Handler) -> str:
    """
    One of `unary_unary`, `unary_stream`, `stream_unary`, `stream_stream`.
    """
    sides = ("stream" if side else "unary" for side in _streaming(handler))
    return "_".join(sides)


def wrapped(
    handler: Handler,
    around_coroutine: Callable[[Coroutine], Coroutine],
    around_generator: Callable[[Generator], Generator],
) -> Handler:
    """
    The same handler with code around it.  A handler whose response streams is a generator, or a
    coroutine that calls `context.write`.
    """
    name = kind(handler)
    behaviour = getattr(handler, name)
    if inspect.isasyncgenfunction(behaviour):
        behaviour = around_generator(behaviour)
    else:
        behaviour = around_coroutine(behaviour)
    return _MAKERS[name](behaviour, handler.request_deserializer, handler.response_serializer)


class Wrapped:
    """
    What was put around the handlers, once for each: gRPC asks at every call.  Keyed by the handler
    too, and by nothing that a caller can make up: methods without a handler never get here.
    """

    def __init__(self, wrap: Callable[[str, Handler], Handler]) -> None:
        self._wrap = wrap
        self._known: dict[str, tuple[Handler, Handler]] = {}

    def get(self, method: str, handler: Handler) -> Handler:
        known = self._known.get(method)
        if known is None or known[0] is not handler:
            known = self._known[method] = handler, self._wrap(method, handler)
        return known[1]


class Around(grpc.aio.ServerInterceptor):
    """
    Puts code around the handler of every method that there is; a subclass says what, in `_wrap`.
    """

    def __init__(self) -> None:
        self._wrapped = Wrapped(self._wrap)

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self._wrapped.get(handler_call_details.method, handler)

    @abstractmethod
    def _wrap(self, method: str, handler: Handler) -> Handler:
        """
        The handler of that method, with code around it; asked once for each.
        """


def _streaming(handler: Handler) -> tuple[bool, bool]:
    return handler.request_streaming, handler.response_streaming
