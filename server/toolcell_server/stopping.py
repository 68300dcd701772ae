"""
Waiting for something on behalf of an execution that may be asked to stop meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from toolcell_server.execution import Execution

Value = TypeVar("Value")


class StoppedWaiting(Exception):  # noqa: N818  # names what happened
    """
    Raised when an execution was asked to stop before it had what it waited for.
    """


async def unless_stopped(
    coming: Coroutine[Any, Any, Value],
    execution: Execution,
    unwanted: Callable[[Value], None] = lambda _: None,
) -> Value:
    """
    What comes; `unwanted` is given it if it came while we were being cancelled.

    Raises:
        StoppedWaiting: the execution was asked to stop before.
    """
    waiting = asyncio.create_task(coming)
    stopping = asyncio.create_task(execution.stop.event.wait())
    try:
        await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise StoppedWaiting
        return waiting.result()
    except asyncio.CancelledError:
        if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
            unwanted(waiting.result())
        raise
    finally:
        waiting.cancel()
        stopping.cancel()
