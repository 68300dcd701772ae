"""
What came to the provider server, in order, and what waits for what.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_client.testing.providers.realtime.session import RealtimeSession
    from toolcell_client.testing.providers.view import View


@dataclass(frozen=True, slots=True)
class Received:
    """
    A request that came.  `view` is None if it was refused; `refused` says why.  Realtime events
    are requests too: `path` is then their type.
    """

    provider: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    view: View | None = None
    refused: str = ""


class Journal:
    """
    `requests` and `sessions` (realtime connections) in the order in which they came.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.sessions: list[RealtimeSession] = []
        self.changed = threading.Condition()
        self._holding: set[threading.Event] = set()
        self._stopping = False

    def wait_for(self, reached: Callable[[], bool], seconds: float = 10.0) -> None:
        """
        Wait until something that requests change is so, as `lambda: len(server.requests) == 2`.

        Raises:
            TimeoutError: it was not, in that time.
        """
        with self.changed:
            if not self.changed.wait_for(reached, seconds):
                raise TimeoutError(f"not reached within {seconds:g} s")

    def note(self, received: Received) -> None:
        """
        For the wires: record a request, and wake whoever waits for it.
        """
        with self.changed:
            self.requests.append(received)
            self.changed.notify_all()

    def open(self, session: RealtimeSession) -> None:
        """
        For the wires: a realtime client has connected.
        """
        with self.changed:
            self.sessions.append(session)
            self.changed.notify_all()

    def hold(self, event: threading.Event) -> None:
        """
        For the wires: wait until it is set, or the server stops.
        """
        with self.changed:
            if self._stopping:
                event.set()
                return
            self._holding.add(event)
        event.wait()

    def release(self) -> None:
        """
        Set every event that is waited for, now and later.
        """
        with self.changed:
            self._stopping = True
            for event in self._holding:
                event.set()
