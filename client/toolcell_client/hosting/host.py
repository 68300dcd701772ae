"""
The same as `async_host.py`, for programs that are not asynchronous.

Theory of operation.  It runs an event loop of its own: in `run` in this thread, inside `with` in a
thread beside it.  The functions run in threads, or in that loop if they are coroutines.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, overload

from toolcell_client.async_connection import AsyncConnection
from toolcell_client.hosting.async_host import AsyncHost
from toolcell_client.hosting.definition import HostedTool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self, Unpack

    from toolcell_client.hosting.definition import Function
    from toolcell_client.hosting.options import HostOptions
    from toolcell_client.options import ClientOptions


class Host:
    """
    Offers functions for as long as it runs: `with client.hosting(look_up): ...`, or `host.run()`.
    """

    def __init__(
        self,
        options: ClientOptions,
        functions: Iterable[Callable[..., Any] | HostedTool] = (),
        **how: Unpack[HostOptions],
    ) -> None:
        self._options, self._how = options, how
        self._tools = [HostedTool.of(function) for function in functions]
        self._thread: threading.Thread | None = None
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._stop: Callable[[], None] = _not_running
        self._ended: BaseException | None = None

    @overload
    def tool(self, function: Function, /, **manifest: Any) -> Function: ...
    @overload
    def tool(self, /, **manifest: Any) -> Callable[[Function], Function]: ...
    def tool(self, function: Any = None, /, **manifest: Any) -> Any:
        """
        Offer a function, with keys of its manifest: `@host.tool`, `@host.tool(version="2")`.

        Raises:
            BadTool: it cannot be hosted as it is.
        """

        def take(taken: Any) -> Any:
            self._tools.append(HostedTool.of(taken, **manifest))
            return taken

        return take if function is None else take(function)

    def run(self, welcomed: Callable[[], None] = lambda: None) -> None:
        """
        Serve until `stop` is called, or the program is told to end (SIGINT, SIGTERM), over any
        number of connections; calls that run may end.  `welcomed` is called once, when the tools
        can be called.

        Raises:
            CallRefused: the server refuses for good what is offered, or who offers it.
            ServerUnreachable: no server has answered, from the beginning.
        """
        asyncio.run(self._serve(welcomed))

    def stop(self) -> None:
        """
        End `run`, from another thread or a signal handler.
        """
        self._stop()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._beside, name="toolcell-host", daemon=True)
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        assert self._thread is not None, "it was entered"
        self._thread.join()
        if self._ended is not None and value is None:
            raise self._ended

    def _beside(self) -> None:
        try:
            self.run(lambda: self._ready.set_result(None))
        except BaseException as exc:  # noqa: BLE001  # for the thread that waits
            self._ended = exc
            if not self._ready.done():
                self._ready.set_exception(exc)

    async def _serve(self, welcomed: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        connection = AsyncConnection(self._options)
        host = AsyncHost(connection, self._tools, **self._how)
        with contextlib.ExitStack() as signals:
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGINT, signal.SIGTERM):
                    signals.callback(signal.signal, number, signal.getsignal(number))
                    signals.callback(loop.remove_signal_handler, number)
                    loop.add_signal_handler(number, host.stop)
            self._stop = lambda: _call(loop, host.stop)
            try:
                async with host:
                    welcomed()
                    await host.ended()
            finally:
                self._stop = _not_running
                await connection.aclose()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended meanwhile
        loop.call_soon_threadsafe(function)


def _not_running() -> None:
    """
    Before it runs, and afterwards, there is nothing to stop.
    """
