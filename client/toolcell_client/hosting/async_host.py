"""
Hosts functions as tools, and goes on when the connection breaks or the server is started anew.

Theory of operation.  A stream that ends is followed by another with the same `host_id`, so that the
server knows it for the one that is gone, after a delay that grows and is random, so that a thousand
hosts do not come back at the same moment.  When the server says that it drains, or that a stream
has grown old, the next one begins at once, as a host of its own, while the first lets its calls
end.

What the server refuses for good is raised: to try again would help nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from typing import TYPE_CHECKING, Any, Final, overload

from toolcell.v1 import host_pb2

from toolcell_client.errors import CallRefused, ToolcellError
from toolcell_client.hosting.definition import BadTool, HostedTool
from toolcell_client.hosting.options import SCOPES
from toolcell_client.hosting.stream import HostStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from toolcell_client.async_connection import AsyncConnection
    from toolcell_client.hosting.definition import Function

FIRST_DELAY_SECONDS: Final = 0.1
LONGEST_DELAY_SECONDS: Final = 5.0


class AsyncHost:
    """
    Offers functions for as long as it runs: `async with client.hosting(look_up): ...`, or
    `await host.run()`.  At most `concurrency` calls run at once.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        functions: Iterable[Callable[..., Any] | HostedTool] = (),
        *,
        concurrency: int = 8,
        scope: str = "",
        host_id: str = "",
    ) -> None:
        if scope not in SCOPES:
            raise ValueError(f"scope must be one of {', '.join(filter(None, SCOPES))}")
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        self.host_id = host_id or uuid.uuid4().hex
        self._connection = connection
        self._concurrency, self._scope = concurrency, SCOPES[scope]
        self._tools: dict[tuple[str, str], HostedTool] = {}
        self._stream: HostStream | None = None
        self._old: dict[asyncio.Task[None], HostStream] = {}  # that let their calls end
        self._stopping = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._welcome = asyncio.Event()  # it has been welcomed once
        for function in functions:
            self.add(HostedTool.of(function))

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
            self.add(HostedTool.of(taken, **manifest))
            return taken

        return take if function is None else take(function)

    def add(self, tool: HostedTool) -> None:
        """
        Raises:
            BadTool: there is one of that name and version.
        """
        if tool.key in self._tools:
            raise BadTool(f"{tool.name} is offered twice; leave one out, or give it a version=")
        self._tools[tool.key] = tool

    async def run(self) -> None:
        """
        Serve until `stop` is called, over any number of connections.

        Raises:
            CallRefused: the server refuses for good what is offered, or who offers it.
            ServerUnreachable: no server has answered, from the beginning.
        """
        if not self._tools:
            raise BadTool("nothing is offered; give functions, or decorate them with host.tool")
        try:
            await self._run()
        finally:
            for task in self._old:
                task.cancel()
            await asyncio.gather(*self._old, return_exceptions=True)

    def stop(self) -> None:
        """
        End in good order: calls that run may end, no further ones come.
        """
        self._stopping.set()
        if self._stream is not None:
            self._stream.leave()
        self._leave_old()

    async def ended(self) -> None:
        """
        Wait until it has ended, inside `async with`.

        Raises:
            ToolcellError: as `run`.
        """
        assert self._serving is not None, "it was entered"
        await asyncio.shield(self._serving)

    async def __aenter__(self) -> Self:
        self._serving = asyncio.ensure_future(self.run())
        try:
            welcomed = asyncio.ensure_future(self._welcome.wait())
            await asyncio.wait((self._serving, welcomed), return_when=asyncio.FIRST_COMPLETED)
            welcomed.cancel()
            if self._serving.done():
                self._serving.result()
        except BaseException:
            self._serving.cancel()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        assert self._serving is not None, "it was entered"
        await self._serving

    async def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            serving = asyncio.ensure_future(self._next_stream().serve())
            try:
                await self._until_over(serving)
                failures = 0
            except ToolcellError as exc:
                failures = 1 if self._was_welcomed() else failures + 1
                self._check(exc, failures)
                await self._pause(failures)
            except BaseException:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
                raise
        await asyncio.gather(*self._old, return_exceptions=True)

    def _next_stream(self) -> HostStream:
        offer = host_pb2.HostOffer(
            host_id=self.host_id,
            concurrency=self._concurrency,
            scope=self._scope,
            tools=[
                host_pb2.HostedTool(manifest_json=tool.manifest_json())
                for tool in self._tools.values()
            ],
        )
        self._stream = HostStream(self._connection, offer, self._tools)
        return self._stream

    async def _until_over(self, serving: asyncio.Task[None]) -> None:
        """
        Until the stream has ended, or should be followed by another.
        """
        assert self._stream is not None, "there is one"
        stream = self._stream
        draining = asyncio.ensure_future(stream.draining.wait())
        welcomed = asyncio.ensure_future(stream.welcomed.wait())
        try:
            await asyncio.wait((serving, welcomed), return_when=asyncio.FIRST_COMPLETED)
            if self._was_welcomed():
                self._welcome.set()
                self._leave_old()
            await asyncio.wait((serving, draining), return_when=asyncio.FIRST_COMPLETED)
        finally:
            draining.cancel()
            welcomed.cancel()
        if serving.done():
            serving.result()
            return
        self.host_id = uuid.uuid4().hex
        self._old[serving] = stream
        serving.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._old[task]
        if not task.cancelled():
            task.exception()  # it has ended, one way or another, and another stream serves

    def _leave_old(self) -> None:
        for stream in self._old.values():
            stream.leave()

    def _was_welcomed(self) -> bool:
        return self._stream is not None and self._stream.welcomed.is_set()

    def _check(self, error: ToolcellError, failures: int) -> None:
        """
        Raises:
            ToolcellError: it is one that time does not mend.
        """
        if isinstance(error, CallRefused) and not error.retryable:
            raise error
        if not self._welcome.is_set() and failures >= max(1, self._connection.options.attempts):
            raise error

    async def _pause(self, failures: int) -> None:
        longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(failures, 16))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(random.uniform(0.5, 1.0) * longest):  # noqa: S311  # no secret
                await self._stopping.wait()
