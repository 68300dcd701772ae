"""
How the server is told to end: the first signal asks, the second insists.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """
    Two events.  `number` is the signal that insisted, 0 until then.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()
        self.number = 0

    def signalled(self, number: int) -> None:
        """
        Take one signal.
        """
        if self.asked.is_set():
            self.number = number
            self.insisted.set()
        self.asked.set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """
        Take SIGTERM and SIGINT of the process for as long as the context lasts.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.signalled, number)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """
    Do the work, unless the event comes first: then it is cancelled.  True if it was done.
    """
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        done = working.done()
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
    if done:
        working.result()
    return done
