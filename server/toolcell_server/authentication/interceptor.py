"""
Around every RPC, outermost of all: no handler runs, and no message is read, before it is known who
calls.

Theory of operation.  gRPC shows an interceptor the metadata, and the connection only to a handler.
So a call is looked at twice.  A token, or the lack of anything, is judged before the method is even
looked up: whoever is not known does not learn which methods there are, and what he sends is not
read, because the handler that refuses him asks for no message (it is one that streams both ways,
whatever the method is).  A certificate is judged at the beginning of the handler; TLS has verified
it by then.

A fault of our own lets nobody in, and leaves as INTERNAL with the id under which the log has it:
this is outside of what does that for the handlers.

Health is what load balancers ask without credentials, and tells nothing but health.  Reflection is
authenticated like everything else.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc

from toolcell_server import principal, rpc_handlers, status
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.verified import as_is
from toolcell_server.metrics import OTHER
from toolcell_server.principal import Principal
from toolcell_server.refusals import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from toolcell_server.authentication.authenticator import Authenticator
    from toolcell_server.authentication.noticing import Noticing
    from toolcell_server.metric_groups import RpcMetrics
    from toolcell_server.refusals import CallRefused
    from toolcell_server.refusals.callers import Cause
    from toolcell_server.rpc_handlers import Context, Continuation, Coroutine, Generator, Handler

OPEN: Final = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
_TOLD: Final[dict[Kind, Cause]] = {Kind.NONE: "missing", Kind.EXPIRED: "expired"}
_MOST_CALLERS: Final = 1024  # arbitrary; of which it is known where they call from
_log = logging.getLogger(__name__)
_shown: ContextVar[Principal | None] = ContextVar("shown", default=None)


class AuthenticationInterceptor(rpc_handlers.Around):
    """
    Lets through who is known, as that principal, and refuses everybody else.  `located` gives a
    principal what is his where he calls from; `refused` is told of each refusal, and `failed` of
    each fault of ours, with an empty name of a method and no request, as neither was looked at.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        noticing: Noticing,
        metrics: RpcMetrics,
        *,
        located: Callable[[Principal], Principal] = as_is,
        refused: Callable[[CallRefused, str, object], None] | None = None,
        failed: Callable[[str, str, Principal, object], None] | None = None,
    ) -> None:
        super().__init__()
        self._located = located
        self._failed = failed
        self._refused = refused
        self._authenticator = authenticator
        self._noticing = noticing
        self._callers: dict[str, tuple[Principal, Principal]] = {}
        labels = ("unary", OTHER, OTHER)  # which method was asked for is not looked at
        self._started = metrics.started.labels(*labels)
        self._handled = metrics.handled.labels(*labels, "Unauthenticated")
        self._refusals = metrics.refusals.labels(Unauthenticated.reason)

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        method = handler_call_details.method
        if method in OPEN:
            return await continuation(handler_call_details)
        try:
            metadata = handler_call_details.invocation_metadata
            _shown.set(await self._authenticator.by_metadata(metadata))
        except NotAuthentic as failure:
            return self._refusing(failure.kind)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody is let in
            return self._failing(error)
        return await super().intercept_service(continuation, handler_call_details)

    def _refusing(self, kind: Kind) -> Handler:
        async def refuse(_requests: Any, context: Context) -> None:
            await self._refuse(kind, context)

        return grpc.stream_stream_rpc_method_handler(refuse)

    async def _refuse(self, kind: Kind, context: Context) -> NoReturn:
        self._noticing.note(kind, context.peer())
        for counter in (self._started, self._handled, self._refusals):
            counter.inc()
        refusal = Unauthenticated(_TOLD.get(kind, "invalid"))
        refusal.caller = Principal(origin=context.peer())
        if self._refused is not None:
            self._refused(refusal, "", None)
        await status.abort(context, status.to_status(refusal))

    def _failing(self, error: Exception) -> Handler:
        async def fail(_requests: Any, context: Context) -> None:
            await self._fail(error, context)

        return grpc.stream_stream_rpc_method_handler(fail)

    async def _fail(self, error: Exception, context: Context) -> NoReturn:
        error_id = uuid.uuid4().hex
        _log.error("error %s in authentication", error_id, exc_info=error)
        if self._failed is not None:
            self._failed(error_id, "", Principal(origin=context.peer()), None)
        await status.abort(context, status.internal(error_id))

    async def _enter(self, context: Context) -> None:
        """
        Be the caller for the rest of this call.
        """
        try:
            caller = _shown.get() or self._authenticator.by_connection(context.auth_context())
        except NotAuthentic as failure:
            await self._refuse(failure.kind, context)
        except Exception as error:  # noqa: BLE001  # as above
            await self._fail(error, context)
        principal.adopt(self._at(context.peer(), caller))

    def _at(self, peer: str, caller: Principal) -> Principal:
        """
        The caller where he calls from; known by heart, because one connection makes many calls.
        """
        known = self._callers.get(peer)
        if known is None or known[0] is not caller:
            if len(self._callers) >= _MOST_CALLERS:
                self._callers.clear()
            located = self._located(dataclasses.replace(caller, origin=peer))
            known = self._callers[peer] = caller, located
        return known[1]

    def _wrap(self, _method: str, handler: Handler) -> Handler:
        return rpc_handlers.wrapped(handler, self._around_coroutine, self._around_generator)

    def _around_coroutine(self, behaviour: Coroutine) -> Coroutine:
        async def authenticated(request: Any, context: Context) -> Any:
            await self._enter(context)
            return await behaviour(request, context)

        return authenticated

    def _around_generator(self, behaviour: Generator) -> Generator:
        async def authenticated(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            await self._enter(context)
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        return authenticated
