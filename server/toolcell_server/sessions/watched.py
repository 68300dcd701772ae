"""
Ends a call that fills the workspace of its session beyond its quota, or the disk.

Theory of operation.  No kernel that we may be on counts what lies in a folder for us: project
quotas are a privilege of some file systems, and an ordinary user can mount none of its own that
outlives a call.  So a thread looks into the workspace while the call runs, and once more when it
has ended.  What a tool can write between two looks is the overshoot: no single file is larger than
the quota (RLIMIT_FSIZE, granted with the call), and a look comes every `LOOK_SECONDS`, or after ten
times as long as the last one took.  Files that a tool holds open and has unlinked have no name to
look at: for them the disk as a whole is looked at, and when less than `minimum_free_bytes` are free
every call that can write a workspace ends.  When its cell is gone, so is what has no name.

A call that leaves more than it may has exceeded its limit even if it ended by itself between two
looks; the session takes no further call or upload until something is deleted, so that overshoots
do not add up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.executor import closing
from toolcell_server.sessions.quota import fault_of
from toolcell_server.sessions.session import may_fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.sessions.session import Session
    from toolcell_server.sessions.sessions import Sessions

LOOK_SECONDS: Final = 0.1  # arbitrary; a fast disk takes 100 MB in it
_HINT: Final = "Write less, or have files of the session deleted first."


@dataclass(frozen=True, slots=True)
class WatchedExecutor:
    """
    Asks the executor underneath to stop, and calls that ending `exceeded(disk)`.
    """

    base: Executor
    sessions: Sessions

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        session = execution.session
        if session is None or not may_fill(execution.grant.paths):
            return self.base.execute(execution)
        return self._execute(execution, session)

    async def _execute(
        self, execution: Execution, session: Session
    ) -> AsyncIterator[pb.ExecuteResponse]:
        watch = _Watch(self.sessions, session, execution)
        looking = asyncio.create_task(watch.look())
        try:
            async with closing(self.base.execute(execution)) as events:
                async for event in events:
                    if event.HasField("finished"):
                        await watch.judge(event.finished)
                    yield event
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking


class _Watch:
    """
    Looks, and knows what it found.
    """

    def __init__(self, sessions: Sessions, session: Session, execution: Execution) -> None:
        self._sessions = sessions
        self._session = session
        self._execution = execution
        self._is_cause = False
        self.fault = ""

    async def look(self) -> None:
        while not self.fault:
            began = time.monotonic()
            await self._find()
            took = time.monotonic() - began
            if not self.fault:
                await asyncio.sleep(max(LOOK_SECONDS, 10 * took))
        self._is_cause = self._execution.stop.request(pb.CANCEL_REASON_UNSPECIFIED)

    async def judge(self, finished: pb.Finished) -> None:
        """
        Give the ending its cause.
        """
        kind = finished.outcome.WhichOneof("kind")
        if not self._is_cause and kind in ("completed", "failed"):
            await self._find()
        if not self.fault or not (self._is_cause or kind in ("completed", "failed")):
            return
        self._sessions.record("full", self._session)
        why = f"the workspace of the session has no room: {self.fault}"
        outcome = endings.exceeded("disk", self._execution.grant.limits, why)
        outcome.exceeded.allowed = self._session.quota_bytes
        outcome.hint = _HINT
        finished.outcome.CopyFrom(outcome)
        finished.result_json = b""
        finished.result_bytes = 0

    async def _find(self) -> None:
        sessions = self._sessions
        with contextlib.suppress(OSError):  # of a folder that is being moved about
            used = await sessions.measured(self._session)
            self.fault = fault_of(self._session, used)
            if sessions.folders.free_bytes() < sessions.settings.minimum_free_bytes:
                self.fault = "the disk of the server is nearly full"
