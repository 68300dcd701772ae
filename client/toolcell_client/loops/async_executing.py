"""
Runs the calls of one turn as tasks; see `executing`, which does it in threads.

Theory of operation.  The provider's stream is read by a task, too, so that what the model says and
what executions report come in the order in which they happen, through one bounded queue: a slow
reader stops all of them.  To leave is to cancel the tasks and to wait for them; a stream that is
cancelled cancels its execution.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.loops.events import ExecutionEvent
from toolcell_client.loops.executing import EVENTS_WAITING, Broke, Ended, options

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.async_stream import AsyncStream
    from toolcell_client.loops.executing import Happening
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.loops.turn_state import Run
    from toolcell_client.result import Result


@dataclass(frozen=True, slots=True)
class Said:
    """
    An event of the provider's stream.
    """

    event: Any


@dataclass(frozen=True, slots=True)
class SaidAll:
    """
    The provider's stream has ended; by this error, if there is one.
    """

    error: BaseException | None = None


class AsyncExecuting:
    """
    The runs of one turn.  `open` are those that have not ended, and the provider's stream.
    """

    def __init__(self, client: AsyncClient, settings: TurnSettings) -> None:
        self._client, self._settings = client, settings
        self._queue: asyncio.Queue[Happening | Said | SaidAll] = asyncio.Queue(EVENTS_WAITING)
        self._turns = asyncio.Semaphore(settings.max_concurrent_calls)
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: set[AsyncStream] = set()
        self._closed = False
        self.open = 0

    def begin(self, run: Run) -> None:
        self._start(self._run(run))

    def listen(self, response: AsyncIterable[Any] | Iterable[Any]) -> None:
        """
        Read what a provider streams.
        """
        self._start(self._listen(response))

    async def take(self) -> Happening | Said | SaidAll:
        """
        Wait for what happens next; only while something is open.
        """
        happening = await self._queue.get()
        if not isinstance(happening, ExecutionEvent | Said):
            self.open -= 1
        return happening

    async def cancel(self) -> None:
        """
        End what runs and begin no more; the endings follow.
        """
        self._closed = True
        for stream in list(self._streams):
            with contextlib.suppress(ToolcellError):  # then it goes on, and its ending is awaited
                await stream.cancel()

    async def aclose(self) -> None:
        """
        Cancel what runs, and wait until no task is left.
        """
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.open += 1
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, response: AsyncIterable[Any] | Iterable[Any]) -> None:
        error: BaseException | None = None
        try:
            if isinstance(response, AsyncIterable):
                async for event in response:
                    await self._queue.put(Said(event))
            else:
                for event in response:
                    await self._queue.put(Said(event))
        except Exception as exc:  # noqa: BLE001  # raised by whoever takes it
            error = exc
        await self._queue.put(SaidAll(error))

    async def _run(self, run: Run) -> None:
        try:
            async with self._turns:
                happening: Happening = Ended(run, await self._outcome(run))
        except Exception as exc:  # noqa: BLE001  # raised by whoever takes it
            happening = Broke(run, exc)
        await self._queue.put(happening)

    async def _outcome(self, run: Run) -> Result | ToolcellError | None:
        if self._closed:
            return None
        planned = run.planned
        stream = self._client.execute(
            planned.call.tool, planned.arguments_json, **options(run, self._settings)
        )
        self._streams.add(stream)
        try:
            async with stream:
                async for event in stream:
                    if event.WhichOneof("event") != "result_chunk":
                        await self._queue.put(ExecutionEvent(planned.call, event))
                return await stream.result()
        except ToolcellError as exc:
            return exc
        finally:
            self._streams.discard(stream)
