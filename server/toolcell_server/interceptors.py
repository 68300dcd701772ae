"""
Around every RPC, outermost: no error leaves as it was raised.

Theory of operation.  gRPC sends an uncaught exception to the caller as `UNKNOWN`, with its text;
texts leak.  So a refusal leaves as its rich status, and anything else as INTERNAL with an id, under
which the log has the traceback.  Refusals for quotas leave one by one (`rates/spreading.py`).

A handler ends early in three ways: CancelledError at an `await`, GeneratorExit at a `yield`, and an
error of `context.write` when the peer has gone.  The first two are no `Exception`s and pass through
untouched; the generator underneath is closed by hand, because otherwise its cleanup would wait for
the garbage collector.  The third happens only in handlers of others (health), and there is nobody
left to be told.

An unknown method has no handler (`continuation` returns None): gRPC answers UNIMPLEMENTED.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from toolcell_server import rpc_handlers, status
from toolcell_server.calls.refusing import Refusing
from toolcell_server.rates.spreading import Spreading
from toolcell_server.refusals import CallRefused, QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from toolcell_server.audit.auditing import Auditing
    from toolcell_server.rpc_handlers import Context, Coroutine, Generator, Handler


class ErrorInterceptor(rpc_handlers.Around):
    """
    Turns what a handler raises into the status that a caller may see.
    """

    def __init__(self, auditing: Auditing | None = None) -> None:
        super().__init__()
        self._refusing = Refusing(auditing)
        self._spreading = Spreading()

    def _wrap(self, method: str, handler: Handler) -> Handler:
        return rpc_handlers.wrapped(
            handler,
            lambda behaviour: self._coroutine(behaviour, method),
            lambda behaviour: self._generator(behaviour, method),
        )

    def _coroutine(self, behaviour: Coroutine, method: str) -> Coroutine:
        async def guarded(request: Any, context: Context) -> Any:
            try:
                return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not leak
                await self._end(error, context, method, request)

        return guarded

    def _generator(self, behaviour: Generator, method: str) -> Generator:
        async def guarded(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            async with aclosing(behaviour(request, context)) as responses:
                try:
                    async for response in responses:
                        yield response
                except Exception as error:  # noqa: BLE001  # whatever it is, it must not leak
                    await self._end(error, context, method, request)

        return guarded

    async def _end(
        self, error: Exception, context: Context, method: str, request: object
    ) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error  # the status is set already
        delay = error.retry_delay_seconds if isinstance(error, CallRefused) else 0.0
        answer = self._refusing.status(error, method, request)
        if isinstance(error, QuotaExceeded):
            await self._spreading.wait(error.caller)
        await status.abort(context, answer, delay)
