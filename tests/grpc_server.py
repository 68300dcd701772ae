"""
A real grpc.aio server on a loopback port, around handlers that a test writes.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SERVICE = "test.Service"


@contextlib.asynccontextmanager
async def calling(
    *interceptors: grpc.aio.ServerInterceptor,
    unary: Callable[..., Any] | None = None,
    stream: Callable[..., Any] | None = None,
) -> AsyncIterator[Any]:
    """
    Serve `/test.Service/Unary` and `/test.Service/Stream`, bytes in and out; yields a channel.
    """
    server = grpc.aio.server(interceptors=interceptors, options=(("grpc.so_reuseport", 0),))
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    if unary:
        handlers["Unary"] = grpc.unary_unary_rpc_method_handler(unary)
    if stream:
        handlers["Stream"] = grpc.unary_stream_rpc_method_handler(stream)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """
    The error that a call ends with.
    """
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the call succeeded")
