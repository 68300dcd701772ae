"""
Around every RPC where nobody is asked who he is: a caller has no name, and comes from somewhere.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from toolcell_server import principal, rpc_handlers
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from toolcell_server.rpc_handlers import Context, Coroutine, Generator, Handler


class AnonymousInterceptor(rpc_handlers.Around):
    """
    Lets everybody through.  `located` gives a principal what is his where he calls from.
    """

    def __init__(self, located: Callable[[Principal], Principal]) -> None:
        super().__init__()
        self._located = located

    def _enter(self, context: Context) -> None:
        principal.adopt(self._located(Principal(origin=context.peer())))

    def _wrap(self, _method: str, handler: Handler) -> Handler:
        return rpc_handlers.wrapped(handler, self._around_coroutine, self._around_generator)

    def _around_coroutine(self, behaviour: Coroutine) -> Coroutine:
        async def located(request: Any, context: Context) -> Any:
            self._enter(context)
            return await behaviour(request, context)

        return located

    def _around_generator(self, behaviour: Generator) -> Generator:
        async def located(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            self._enter(context)
            async with aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        return located
