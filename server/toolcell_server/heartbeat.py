"""
Tells readers that an execution goes on, when nothing else does.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.durations import to_duration

if TYPE_CHECKING:
    from toolcell_server.record import Record


class Heartbeat:
    """
    Appends a heartbeat after each `seconds` of silence, while somebody is attached.

    Without a reader there is nobody to tell, and a long detached run would fill its journal.
    """

    def __init__(self, record: Record, accepted: float, seconds: float) -> None:
        self._record = record
        self._accepted = accepted
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._arm(self._seconds)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _beat(self) -> None:
        now = time.monotonic()
        # One timer, set again for what is left of the silence, not one for every event.
        left = self._record.touched + self._seconds - now
        if left <= 0 and self._record.attachments.count:
            elapsed = to_duration(now - self._accepted)
            self._record.append(pb.ExecuteResponse(heartbeat=pb.Heartbeat(elapsed=elapsed)))
        self._arm(left if left > 0 else self._seconds)

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._beat)
