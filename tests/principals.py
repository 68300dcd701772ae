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
    from collections.abc import AsyncGenerator

    from toolcell_server.rpc_handlers import Context, Continuation, Coroutine, Generator, Handler

APPROVERS = frozenset({"boss", "chief"})


class TestPrincipals(grpc.aio.ServerInterceptor):
    """
    Takes `x-test-principal` and `x-test-session` for who calls; all may call every
    tool, `boss` and `chief` may approve.
    """

    __test__ = False  # for pytest, whose tests are called so

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        caller = _caller(dict(handler_call_details.invocation_metadata or ()))
        return rpc_handlers.wrapped(
            handler,
            lambda behaviour: _coroutine(behaviour, caller),
            lambda behaviour: _generator(behaviour, caller),
        )


def _caller(metadata: dict[Any, Any]) -> Principal:
    name = str(metadata.get("x-test-principal", ""))
    scopes = frozenset({"tools:*", *((APPROVE,) if name in APPROVERS else ())})
    session = str(metadata.get("x-test-session", ""))
    return Principal(name=name, scopes=scopes, session=session)


def _coroutine(behaviour: Coroutine, caller: Principal) -> Coroutine:
    async def called(request: Any, context: Context) -> Any:
        with principal.calling(caller):
            return await behaviour(request, context)

    return called


def _generator(behaviour: Generator, caller: Principal) -> Generator:
    async def called(request: Any, context: Context) -> AsyncGenerator[Any, None]:
        with principal.calling(caller):
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

    return called
