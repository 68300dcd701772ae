"""
Makes one call of a step: the same admission and the same executions as the call of any caller.

Theory of operation.  The call has a `request_id` that is derived from the run, the unit and the
attempt.  So a call that is made again after a crash is not made twice: if its execution ended, the
ending is replayed; if the server died over it, it is `lost(outcome_unknown)`; if it never began, it
begins.  What the server's end cancelled (`cancelled(drained)`) is as little known as what it died
over.  An ending is forgotten after `keep_finished_seconds`: a call that is older, and that nobody
knows any more, counts as unknown, too.

A call that waits for somebody else's approval is sent again with its token until there is an
answer.  A confirmation can only be given by the caller himself, who is not asked here: it fails.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2
from toolcell.v1 import workflow_pb2 as pb

from toolcell_server import principal
from toolcell_server.idempotency import Scope, fingerprint
from toolcell_server.records import interrupted
from toolcell_server.refusals import (
    ApprovalPending,
    ApprovalRequired,
    CallRefused,
    Draining,
    NoCapacity,
    NotPermitted,
    StoreFailed,
    ToolUnavailable,
    UnknownTool,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_server.calls.beginning import Beginning
    from toolcell_server.calls.refusing import Refusing
    from toolcell_server.executions import Executions
    from toolcell_server.known import Known
    from toolcell_server.workflows.progress import Unit

SHARE: Final = "workflows"  # whose places calls take whose caller has no name
_METHOD: Final = "/toolcell.v1.WorkflowService/RunWorkflow"
_FIRST_ASK_SECONDS: Final = 1.0  # arbitrary; people take longer
_LAST_ASK_SECONDS: Final = 15.0  # each is an admission, and very many calls may wait for theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    Who is told of a call: that its execution begins, and that it waits for an approval.
    """

    executing: Callable[[str], None]
    waiting: Callable[[pb.StepWaiting], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """
    How a call ended.  `unknown`: nobody knows whether the tool ran; then `repeatable` says whether
    that does no harm.  `may_retry`: it did not complete, and another call may.
    """

    ending: pb.StepFinished
    unknown: bool = False
    repeatable: bool = False
    may_retry: bool = False


class Calls:
    """
    Makes calls as whoever `principal.current()` is.  `keep_seconds`: endings are forgotten then;
    `hosts_seconds`: tools that are not there so soon after the server began may be at a host that
    has yet to come back.
    """

    def __init__(
        self,
        executions: Executions,
        beginning: Beginning,
        refusing: Refusing,
        *,
        approval_seconds: float,
        capacity_seconds: float,
        keep_seconds: float,
        hosts_seconds: float = 0.0,
    ) -> None:
        self._executions = executions
        self._beginning = beginning
        self._refusing = refusing
        self._approval_seconds = approval_seconds
        self._capacity_seconds = capacity_seconds
        self._keep_seconds = keep_seconds
        self._hosts_until = time.monotonic() + hosts_seconds

    async def make(
        self, request: execution_pb2.ExecuteRequest, unit: Unit, told: Told, *, resumed: bool
    ) -> Made | None:
        """
        Make the call of a unit; None: the server is ending, and the next one goes on with it.

        Raises:
            StoreFailed: nobody can tell whether it was made before.
        """
        repeatable = unit.last is not None and unit.last.repeatable
        try:
            if resumed and not repeatable and self._is_forgotten(request, unit):
                return _forgotten()
            record, replayed = await self._begun(request, told)
        except Draining:
            return None
        except StoreFailed as exc:
            if resumed:  # it may have run, and nobody can look that up
                raise
            return self._refused(exc, request)
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is this step's
            return self._refused(exc, request)
        told.executing(record.execution_id)
        finished = await self._ending(record)
        drained = finished.outcome.cancelled.reason == execution_pb2.CANCEL_REASON_DRAINED
        if drained and not replayed:
            return None
        return _made(record, finished, repeatable=repeatable and record.tool == request.tool)

    async def _begun(self, request: execution_pb2.ExecuteRequest, told: Told) -> tuple[Known, bool]:
        try:
            return await self._admitted(request)
        except ApprovalRequired as exc:
            token = exc.metadata.get("approval_token", "")
            if exc.metadata.get("kind") != "approve" or not token:
                raise
            request.approval_token = token
            told.waiting(_waiting(exc))
        end = time.monotonic() + self._approval_seconds
        for pause in pauses():
            await asyncio.sleep(pause)
            try:
                return await self._admitted(request)
            except ApprovalPending:
                if time.monotonic() > end:
                    raise
        raise AssertionError("pauses have no end")

    async def _admitted(self, request: execution_pb2.ExecuteRequest) -> tuple[Known, bool]:
        """
        A server that is full is waited for: one that starts goes on with many runs at once, and
        before those who host tools have come back.
        """
        end = time.monotonic() + self._capacity_seconds
        while True:
            try:
                return await self._beginning.begin(request, None, SHARE)
            except NoCapacity as exc:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(exc.retry_delay_seconds * random.uniform(1.0, 2.0))  # noqa: S311
            except (UnknownTool, NotPermitted):  # the latter of his own, if he may call no other
                if time.monotonic() > self._hosts_until:
                    raise
                await asyncio.sleep(_FIRST_ASK_SECONDS)

    async def _ending(self, record: Known) -> execution_pb2.Finished:
        with record.attachments:
            try:
                return await record.ending()
            except asyncio.CancelledError:  # the run was cancelled, or took too long
                await asyncio.shield(self._executions.cancel(record.execution_id))
                raise

    def _is_forgotten(self, request: execution_pb2.ExecuteRequest, unit: Unit) -> bool:
        if time.time() - unit.begun_at < self._keep_seconds:
            return False
        scope = Scope(principal.current().name, request.tool, request.request_id)
        return self._executions.joined(scope, fingerprint(request)) is None

    def _refused(self, error: Exception, request: execution_pb2.ExecuteRequest) -> Made:
        status = self._refusing.status(error, _METHOD, request).SerializeToString()
        refused = execution_pb2.Refused.FromString(status)
        temporary = isinstance(error, CallRefused) and error.retryable
        pending = isinstance(error, ApprovalPending)  # it has waited for long enough
        return Made(
            ending=pb.StepFinished(state=pb.STEP_STATE_FAILED, refused=refused),
            may_retry=(temporary and not pending) or isinstance(error, ToolUnavailable),
        )


def pauses() -> Iterator[float]:
    """
    Seconds before a call that waits for its approval asks again, each time: without end.
    """
    pause = _FIRST_ASK_SECONDS
    while True:
        yield pause
        pause = min(1.25 * pause, _LAST_ASK_SECONDS)


def _made(record: Known, finished: execution_pb2.Finished, *, repeatable: bool) -> Made:
    outcome = finished.outcome
    ending = pb.StepFinished(
        state=pb.STEP_STATE_FAILED, execution_id=record.execution_id, outcome=outcome
    )
    if outcome.HasField("completed"):
        ending.state = pb.STEP_STATE_COMPLETED
        ending.result_json = finished.result_json
        ending.result_left_out = finished.result_bytes > len(finished.result_json)
        return Made(ending=ending)
    lost = outcome.lost.reason == execution_pb2.LOST_REASON_OUTCOME_UNKNOWN
    if lost or outcome.cancelled.reason == execution_pb2.CANCEL_REASON_DRAINED:
        again = outcome.retryable if lost else repeatable
        return Made(ending=ending, unknown=True, repeatable=again)
    return Made(ending=ending, may_retry=repeatable and not outcome.HasField("cancelled"))


def _forgotten() -> Made:
    outcome = interrupted.outcome(repeatable=False)
    ending = pb.StepFinished(state=pb.STEP_STATE_FAILED, outcome=outcome)
    return Made(ending=ending, unknown=True)


def _waiting(required: ApprovalRequired) -> pb.StepWaiting:
    waiting = pb.StepWaiting(approval_id=required.metadata.get("approval_id", ""))
    if expires := required.metadata.get("expires_time", ""):
        waiting.expires_time.FromJsonString(expires)
    return waiting
