"""
Lets a test say who calls: by metadata, and nobody checks it.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
from toolcell_server import principal, rpc_handlers
from toolcell_server.principal import APPROVE, Principal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from toolcell_server.rpc_handlers import Context, Continuation, Coroutine, Generator, Handler

APPROVERS = frozenset({"boss", "chief"})


def by_name(metadata: Mapping[str, Any], origin: str) -> Principal:
    """
    Takes `x-test-principal` and `x-test-session` for who calls; all may call every tool, `boss`
    and `chief` may approve.
    """
    name = str(metadata.get("x-test-principal", ""))
    scopes = frozenset({"tools:*", *((APPROVE,) if name in APPROVERS else ())})
    session = str(metadata.get("x-test-session", ""))
    return Principal(name=name, scopes=scopes, session=session)


class SaysWho(grpc.aio.ServerInterceptor):
    """
    Believes what a caller says of himself; `read` makes a principal of metadata and origin.
    """

    def __init__(self, read: Callable[[Mapping[str, Any], str], Principal] = by_name) -> None:
        self._read = read

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return rpc_handlers.wrapped(handler, self._coroutine, self._generator)

    def _said(self, context: Context) -> Principal:
        return self._read(dict(context.invocation_metadata() or ()), context.peer())

    def _coroutine(self, behaviour: Coroutine) -> Coroutine:
        async def called(request: Any, context: Context) -> Any:
            with principal.calling(self._said(context)):
                return await behaviour(request, context)

        return called

    def _generator(self, behaviour: Generator) -> Generator:
        async def called(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            with principal.calling(self._said(context)):
                async with aclosing(behaviour(request, context)) as responses:
                    async for response in responses:
                        yield response

        return called
