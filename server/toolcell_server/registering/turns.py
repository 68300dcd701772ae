"""
Whose turn it is to have a definition checked.

Theory of operation.  A check takes milliseconds of a processor, a hostile one half a second, beside
the calls of everybody.  So there is one at a time in a server, whatever the source of the
definition; principals take turns, however many requests
each has sent; and who took long waits as long before the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG_SECONDS: Final = 0.02  # arbitrary; usual ones take a tenth of it


class Turns:
    """
    Lives on one event loop.
    """

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def of(self, principal: str) -> AsyncIterator[None]:
        """
        The turn of a principal, when it has come.
        """
        own = self._own.get(principal)
        if own is None:
            own = self._own[principal] = asyncio.Lock()
        began = ended = 0.0
        async with own:
            try:
                async with self._one:
                    began = time.monotonic()
                    try:
                        yield
                    finally:
                        ended = time.monotonic()
            finally:
                if ended - began > LONG_SECONDS:
                    await asyncio.sleep(ended - began)
