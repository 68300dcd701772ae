"""
What a cell says comes from several sources: one that can be read whenever the loop has a turn.

Theory of operation.  A source has no task.  It is pulled when its descriptor is readable, when
there is room for events again, when a pause it made is over, and when every writer is known to be
dead; each pull is short and ends by saying what the next one waits for.  So an execution that waits
costs nothing but descriptors in the loop's poll, and a thousand of them cost no task switches.

An error of ours in a pull would be lost in the loop: it is handed to `failed`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.outbox import Outbox


class Source(ABC):
    """
    One source of events.  `ended_now` is called once when it has ended.
    """

    def __init__(
        self,
        events: Outbox,
        ended_now: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.ended = False
        self._events = events
        self._ended_now = ended_now
        self._failed = failed
        self._finished = False  # every writer is dead
        self._again: asyncio.Handle | None = None

    def resume(self) -> None:
        """
        Go on reading: for the first time, or because there is room again.  A pause is kept.
        """
        if self._again is None:
            self.pull()

    def finish(self) -> None:
        """
        Every writer is dead: what is not here by now never comes, and no pause is made for it.
        """
        self._finished = True
        self.pull()

    def pull(self) -> None:
        """
        Read what is here, as far as there is room for it.
        """
        self._stop_pausing()
        if self.ended:
            return
        try:
            self._pull()
        except Exception as error:  # noqa: BLE001  # nobody above us would hear of it
            self._end()
            self._failed(error)

    def close(self) -> None:
        """
        Read nothing more.
        """
        self._stop_pausing()
        self._unwatch()
        self.ended = True

    @abstractmethod
    def _pull(self) -> None:
        """
        Read a bounded amount, then watch, pause or end.
        """

    @abstractmethod
    def _unwatch(self) -> None:
        """
        Be pulled no more when there is something to read.
        """

    def _pause(self, seconds: float = 0.0) -> None:
        """
        Be pulled again, whatever there is to read, after some time; 0: when others had their turn.
        """
        self._unwatch()
        loop = asyncio.get_running_loop()
        self._again = loop.call_later(seconds, self.pull) if seconds else loop.call_soon(self.pull)

    def _end(self) -> None:
        self.close()
        self._ended_now()

    def _stop_pausing(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
