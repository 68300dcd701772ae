"""
Evaluates what callers wrote beside the event loop.

Theory of operation.  An expression is bounded, but up to some tenths of a second; in the loop that
would be everybody's.  In a thread it is Python code, which gives way to the loop every few
milliseconds.  There is one such thread: whoever writes costly templates delays templates.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")
_THREAD: Final = ThreadPoolExecutor(1, "workflow-templates")


async def aside(
    function: Callable[_Given, _Value], *given: _Given.args, **named: _Given.kwargs
) -> _Value:
    """
    What the function returns, or raises.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREAD, lambda: function(*given, **named))
