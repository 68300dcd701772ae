"""
Work in a thread, which is over before anybody goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

_Made = TypeVar("_Made")


async def in_thread(work: Callable[..., _Made], *given: Any, pool: Executor | None = None) -> _Made:
    """
    What `work` returns, or raises, in a thread of a pool; None: that of the event loop.  Whoever is
    cancelled meanwhile waits until it has: nobody can hasten it, and what it works on is not given
    away under it.
    """
    run = contextvars.copy_context().run  # as its caller
    doing = asyncio.get_running_loop().run_in_executor(pool, run, work, *given)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
