"""
What a broken call needs next.  Pure: no network, no clock.

Theory of operation.  The events of an execution are numbered from 1 without gaps, so the last
number taken says exactly what is missing.  After acceptance a broken stream is taken up by `Watch`
from that number: nothing is lost, and what comes twice is skipped.

Before acceptance it depends on what is known:

* the server refused with UNAVAILABLE: nothing ran; send again, after the delay that it asks for;
* nothing was ever sent: send again;
* the connection broke: the execution may exist.  It is looked up by its `request_id`, and watched
  if it is found.  If it is not, the error is raised: sending again could run the tool twice.

Attempts are counted since the last event that arrived.  The delays of six, 5 s together, end
within the server's `reattach_grace` of 10 s.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from toolcell_client.errors import (
    CallRefused,
    ConnectionLost,
    ContractBroken,
    ServerUnreachable,
    ToolcellError,
    UnknownExecution,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell.v1 import execution_pb2 as pb

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 2.0
CONNECT_ATTEMPTS = 3  # while nothing was ever sent: 0.7 s, as gRPC's own retries of other calls


@dataclass(frozen=True, slots=True)
class Resend:
    """
    Send the same call again.
    """

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Attach:
    """
    Watch the execution, from after the last event taken.
    """

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Find:
    """
    Look for the execution by its `request_id`; without one, give up.
    """

    delay_seconds: float


Step = Resend | Attach | Find


def gives_up_looking(error: ToolcellError) -> bool:
    """
    Whether a look-up that ended so tells nothing: the server does not let this caller list.
    """
    return isinstance(error, CallRefused) and error.code is not grpc.StatusCode.UNAVAILABLE


def _jitter() -> float:
    return random.uniform(0.8, 1.0)  # noqa: S311  # spreads clients; keeps no secret


@dataclass(slots=True)
class Recovery:
    """
    What is known of one execution, and how often it broke.
    """

    attempts: int
    execution_id: str = ""
    last_sequence: int = 0
    accepted: bool = False
    finished: bool = False
    jitter: Callable[[], float] = _jitter
    _failures: int = field(default=0, init=False)
    _lost: ConnectionLost | None = field(default=None, init=False)

    def take(self, event: pb.ExecuteResponse) -> bool:
        """
        Whether the event is new.

        Raises:
            ContractBroken: events before it are missing.
        """
        if event.sequence <= self.last_sequence:
            return False
        if event.sequence != self.last_sequence + 1:
            raise ContractBroken(
                f"event {event.sequence} of {event.execution_id} came after {self.last_sequence}"
            )
        self.last_sequence = event.sequence
        self.execution_id = event.execution_id
        self.accepted = True
        self.finished = event.WhichOneof("event") == "finished"
        self._failures = 0
        return True

    def after(self, error: ToolcellError) -> Step:
        """
        The next step after an error; the error itself, raised, if there is none.
        """
        delay = self._delay(error)
        if isinstance(error, ConnectionLost) and not self.execution_id:
            self._lost = error
        if self.execution_id:
            return Attach(delay)
        return Find(delay) if self._lost else Resend(delay)

    def found(self, execution_id: str) -> None:
        """
        Take note of what the look-up by `request_id` found; "" if nothing.

        Raises:
            ConnectionLost: nothing; whether the tool ran is not known.
        """
        if not execution_id and self._lost:
            self._failures = self.attempts  # another look would find nothing either
            raise ConnectionLost(
                f"{self._lost.message} before the call was accepted; whether the tool ran is not"
                " known",
                self._lost.target,
            ) from self._lost
        self.execution_id = execution_id

    def _delay(self, error: ToolcellError) -> float:
        if isinstance(error, UnknownExecution) and (self.accepted or self._lost):
            raise ConnectionLost(
                f"the server no longer knows execution {self.execution_id}: it has restarted;"
                " whether the tool finished is not known",
                execution_id=self.execution_id,
            ) from error
        refused = isinstance(error, CallRefused) and error.code is grpc.StatusCode.UNAVAILABLE
        if not refused and not isinstance(error, (ServerUnreachable, ContractBroken)):
            raise error
        if self._failures >= self._patience(error):
            raise self._final(error)
        delay = min(FIRST_DELAY_SECONDS * 2.0**self._failures, LONGEST_DELAY_SECONDS)
        delay *= self.jitter()
        self._failures += 1
        asked = error.retry_delay if isinstance(error, CallRefused) else None
        return max(delay, asked or 0.0)

    def _patience(self, error: ToolcellError) -> int:
        never_sent = isinstance(error, ServerUnreachable) and not isinstance(error, ConnectionLost)
        if never_sent and not self.execution_id and not self._lost:
            return min(self.attempts, CONNECT_ATTEMPTS)
        return self.attempts

    def _final(self, error: ToolcellError) -> ToolcellError:
        if self.execution_id and isinstance(error, ServerUnreachable):
            return ConnectionLost(error.message, error.target, self.execution_id)
        return error
