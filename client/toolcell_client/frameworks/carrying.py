"""
Sends one call and hears its events: with a `Client` in this thread or in one of its own, with an
`AsyncClient` in the task that waits.

Theory of operation.  Frameworks are asynchronous, and programs have a `Client`.  Then the call has
a thread of its own, not one of the event loop's pool: those are few, and calls wait for long.  To
cancel the task closes the stream of the call, which ends its execution and with it the thread; the
task waits for that, so that nothing runs when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.loops.approving import Deny, decided
from toolcell_client.loops.events import ExecutionEvent
from toolcell_client.loops.executing import options
from toolcell_client.loops.turn_state import Consult, Extract, Run

if TYPE_CHECKING:
    from toolcell_client.client import Client
    from toolcell_client.frameworks.one_call import OneCall
    from toolcell_client.loops.approving import Decision
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.result import Result
    from toolcell_client.stream import Stream

Hear = Callable[[ExecutionEvent], Any]  # in asynchronous programs it may return an awaitable


class Line:
    """
    The stream of a call, for whoever wants to end it from another thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._closed = False

    def open(self, begin: Callable[[], Stream]) -> Stream | None:
        """
        Begin, unless it has been closed.
        """
        with self._lock:
            if not self._closed:
                self._stream = begin()
            return None if self._closed else self._stream

    def close(self) -> None:
        with self._lock:
            self._closed, stream = True, self._stream
        if stream is not None:
            stream.close()


class Carrier:
    """
    Carries calls with a `Client`.
    """

    def __init__(self, client: Client, settings: TurnSettings) -> None:
        self._client, self._settings = client, settings

    def carry(self, call: OneCall, hear: Hear, line: Line | None = None) -> None:
        """
        Until it is answered or waits.
        """
        line = line or Line()
        while True:
            match call.step:
                case Run() as run:
                    call.take(run, self._outcome(run, hear, line))
                case Extract() as step:
                    call.extract(step)
                case Consult(pending=pending):
                    assert self._settings.approve is not None
                    assert pending.question is not None
                    self.decide(call, decided(self._settings.approve(pending.question)))
                case _:
                    return

    async def carry_on(self, call: OneCall, hear: Hear) -> None:
        """
        The same in a thread of its own; what is heard is heard in the event loop.
        """
        loop, line = asyncio.get_running_loop(), Line()

        def heard(event: ExecutionEvent) -> None:
            asyncio.run_coroutine_threadsafe(_heard(hear, event), loop).result()

        work = in_thread(self.carry, call, heard, line)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.shield(in_thread(line.close))
            with contextlib.suppress(Exception):  # nobody waits for it any more
                await asyncio.shield(work)
            raise

    def decide(self, call: OneCall, decision: Decision) -> None:
        """
        A no withdraws the question: nobody else need read it, and it counts no more.
        """
        if isinstance(decision, Deny) and call.question is not None:
            with contextlib.suppress(ToolcellError):
                self._client.approvals.deny(call.question.approval_id, decision.reason)
        call.decide(decision)

    async def decide_on(self, call: OneCall, decision: Decision) -> None:
        await in_thread(self.decide, call, decision)

    def ask(self, call: OneCall) -> Result:
        """
        Check a call that is about to run, and run nothing.

        Raises:
            ToolcellError: it would be refused.
        """
        assert isinstance(call.step, Run)
        made = options(call.step, self._settings)
        planned = call.planned
        made["validate_only"], made["request_id"] = True, ""
        return self._client.run(planned.call.tool, planned.arguments_json, **made)

    async def ask_on(self, call: OneCall) -> Result:
        found: Result = await in_thread(self.ask, call)
        return found

    def _outcome(self, run: Run, hear: Hear, line: Line) -> Result | ToolcellError | None:
        planned = run.planned
        made = options(run, self._settings)
        try:
            stream = line.open(
                lambda: self._client.execute(planned.call.tool, planned.arguments_json, **made)
            )
            if stream is None:
                return None
            with stream:
                for event in stream:
                    if event.WhichOneof("event") != "result_chunk":
                        hear(ExecutionEvent(planned.call, event))
                return stream.result()
        except ToolcellError as exc:
            return exc


def in_thread(function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
    """
    Run it in a thread of its own, in this context.
    """
    pool = ThreadPoolExecutor(1, "toolcell-framework")
    run = contextvars.copy_context().run
    work = asyncio.get_running_loop().run_in_executor(pool, run, function, *arguments)
    pool.shutdown(wait=False)  # the thread ends with the call
    return work


async def _heard(hear: Hear, event: ExecutionEvent) -> None:
    answered = hear(event)
    if inspect.isawaitable(answered):
        await answered
