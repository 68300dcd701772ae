"""
A thread in which one hook runs, whatever it does.

Theory of operation.  The server's loop must not wait for code that it does not know: a plain
function that sleeps would stop every call, and so would an `async` one that forgets to await.  So
each hook has a thread with an event loop of its own, and the server waits for an answer with a
deadline.  What comes later is dropped; what has not begun by then never does.  A hook that hangs
keeps its own thread busy, and so fails its own calls, until it is done; nobody else notices.

The thread is a daemon: one that hangs does not keep the server from ending.

Not promised: a function in C that keeps the interpreter's lock (a regular expression that goes
astray) stops this process, as it does in any thread.

Rejected: a pool of threads, which a hook that hangs would use up for all others; a process, which
would turn hooks into a protocol.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_IN_LINE: Final = 256  # arbitrary; what waits in the line of a thread that hangs is kept there


class HookTookTooLong(Exception):  # noqa: N818  # names what happened
    """
    Raised when there is no answer in time.
    """


class HookRaised(Exception):  # noqa: N818  # names what happened
    """
    Raised for what a hook raises that would end a thread or a task: it ends neither.
    """


class HookThread:
    """
    Calls functions, plain or `async`, in a thread that is started at the first call.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        # Each is written on one side only: together they say how many calls stand in line.
        self._sent = 0
        self._taken = 0

    async def call(self, seconds: float, function: Callable[[], Any]) -> Any:
        """
        What the function answers; if that can be awaited, what comes of it.

        Raises:
            HookTookTooLong: after that many seconds there is no answer, or too many wait for one.
            HookRaised: it cancelled itself.
            Exception: whatever it raises.
        """
        if self._sent - self._taken >= MOST_IN_LINE:
            raise HookTookTooLong(f"is busy, and {MOST_IN_LINE} calls wait for it")
        loop, dropped = self._started(), threading.Event()
        self._sent += 1
        loop.call_soon_threadsafe(self._take)
        running = asyncio.run_coroutine_threadsafe(_whole(function, dropped), loop)
        answer = asyncio.wrap_future(running)
        try:
            await asyncio.wait({answer}, timeout=seconds)
            if not answer.done():
                raise HookTookTooLong(f"gave no answer within {seconds:g} s")
            if answer.cancelled():
                raise HookRaised("cancelled itself")
            return answer.result()
        finally:
            dropped.set()  # a cancellation comes behind what is in line already
            answer.cancel()

    def close(self) -> None:
        """
        End the thread, if it is not busy.
        """
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _take(self) -> None:
        self._taken += 1

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.SelectorEventLoop()
            name = f"hook {self._name}"
            threading.Thread(target=_serve, args=(self._loop,), name=name, daemon=True).start()
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        loop.close()


async def _whole(function: Callable[[], Any], dropped: threading.Event) -> Any:
    if dropped.is_set():
        return None
    try:
        answer = function()
        return await answer if inspect.isawaitable(answer) else answer
    except (SystemExit, KeyboardInterrupt) as exc:
        raise HookRaised(f"raised {type(exc).__name__}") from exc
