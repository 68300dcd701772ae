"""
One admitted execution, as it is passed down the executor chain; and the request to stop it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from toolcell_server.principal import ANYBODY, Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.approvals.reserving import Reservation
    from toolcell_server.approvals.reviewing import Review
    from toolcell_server.gates import Taken
    from toolcell_server.grants import Grant
    from toolcell_server.sessions.session import Session
    from toolcell_server.tool import Tool


class Stop:
    """
    Asks an execution to end early.  Anybody may ask, any number of times; the first reason stands.

    `reason` is None until then.  An executor awaits `event` beside its own work.
    """

    def __init__(self) -> None:
        self.reason: pb.CancelReason.ValueType | None = None
        self.event = asyncio.Event()
        self._callbacks: set[Callable[[], object]] = set()

    def request(self, reason: pb.CancelReason.ValueType) -> bool:
        """
        Ask to end; true for the one request that is the first.
        """
        if self.reason is not None:
            return False
        self.reason = reason
        self.event.set()
        callbacks, self._callbacks = self._callbacks, set()
        for callback in callbacks:
            callback()
        return True

    def then(self, callback: Callable[[], object]) -> None:
        """
        Call `callback` once, during the first request; now, if that has been.
        """
        if self.reason is None:
            self._callbacks.add(callback)
        else:
            callback()

    def ignore(self, callback: Callable[[], object]) -> None:
        """
        Call it no more.  A stop outlives its execution and must not keep it in memory.
        """
        self._callbacks.discard(callback)


class Fallback(Protocol):
    """
    Admits another tool in place of one that has failed.
    """

    async def __call__(self, failed: Execution) -> Execution:
        """
        The execution to go on with: `failed` with another tool, grant and resources, which are
        closed by whoever called.  `failed` must have been closed: it has one place at a time.

        Raises:
            CallRefused: the fallback may not run; nothing is left open.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """
    One run of one tool, admitted: everything is decided, nothing has run.

    `accepted` and `deadline` are readings of `time.monotonic()`, in seconds; without a deadline
    the wall limit alone bounds the run.  `arguments` is one JSON object, checked, as the caller
    sent it, or as it was prepared.  `attempt` counts from 1.
    """

    execution_id: str
    tool: Tool
    grant: Grant
    arguments: bytes
    accepted: float
    call_id: str = ""
    asked: str = ""  # the tool that was called, if a rule has put another in its place
    principal: str = ""  # the name of `caller`
    caller: Principal = ANYBODY
    request_id: str = ""
    deadline: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    detached: bool = False
    no_cache: bool = False
    fallback: Fallback | None = None  # for when it fails; None: there is none
    instead_of: pb.FellBack | None = None  # the tool that was called, if this is its fallback
    attempt: int = 1
    session: Session | None = None  # whose workspace it uses
    stateful: bool = False  # it goes on in the cell of the call before
    preview: bool = False  # a run that shows what the tool would change, and changes nothing
    # The approval that lets it run, if it needs one.
    approval: Reservation | None = field(default=None, repr=False, compare=False)
    reports: tuple[pb.Denied, ...] = ()  # what the gates found and let pass
    # Looks at staged files before they are put in place, if somebody has to.
    review: Review | None = field(default=None, repr=False, compare=False)
    stop: Stop = field(default_factory=Stop)
    taken: tuple[Taken, ...] = ()  # by gates, which are told that it runs and what it used
    # What was opened or reserved for this execution, shared by every attempt.
    resources: contextlib.ExitStack = field(
        default_factory=contextlib.ExitStack, repr=False, compare=False
    )

    def end(self) -> None:
        """
        Its ending is about to be told: what only one call may have at a time is given back.
        """
        for taken in self.taken:
            taken.end()

    def close(self) -> None:
        """
        Give back what was opened and reserved.  Every later call does nothing.
        """
        self.resources.close()
