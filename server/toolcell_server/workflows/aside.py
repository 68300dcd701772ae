"""
Evaluates what callers wrote beside the event loop.

Theory of operation.  An expression is bounded, but up to some tenths of a second; in the loop that
would be everybody's.  In a thread it is Python code, which gives way to the loop every few
milliseconds; and after what took long the thread rests for a multiple of it, so that nobody's
templates take more than a share of the processor.  There is one such thread, and each principal has
one evaluation in its queue: whoever writes costly templates delays his own.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from toolcell_server import principal

if TYPE_CHECKING:
    from collections.abc import Callable

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")
LONG_SECONDS: Final = 0.01  # arbitrary; an ordinary template takes a hundredth of it
REST: Final = 4  # times as long as it took
_THREAD: Final = ThreadPoolExecutor(1, "workflow-templates")
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def aside(
    function: Callable[_Given, _Value], *given: _Given.args, **named: _Given.kwargs
) -> _Value:
    """
    What the function returns, or raises.
    """

    def evaluate() -> _Value:
        begun = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            took = time.perf_counter() - begun
            if took > LONG_SECONDS:
                time.sleep(REST * took)

    turn = _turns.setdefault(principal.current().name, asyncio.Lock())
    async with turn:
        return await asyncio.get_running_loop().run_in_executor(_THREAD, evaluate)
