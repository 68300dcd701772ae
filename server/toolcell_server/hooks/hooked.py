"""
Asks the operator's hooks around an execution: before its cell is made, and about its ending.

Theory of operation.  A hook that vetoes before ends the execution as failed, and nothing ran; one
that vetoes after withholds the result, but what the tool did is done, and what it put out has been
sent.  A hook without an answer that counts is a fault of the operator's own, so the ending is
`lost`: before, nothing ran and it may work later; after, nobody gets the result, and the same call
must not be made again lightly, because the tool has run.

Hooks are asked once for an execution, however often it is tried, so this stands above the layer
that retries.  Whatever keeps results for others must stand underneath, so that what a hook makes
for one caller is not handed to another; and with it the queue, so that an answer that was kept
takes no turn.  A fallback is an execution of its own here, and its hooks are asked.  Once an
execution is asked to stop it ends as cancelled, and a hook that is being asked is not waited for;
of endings that were cancelled none is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.executor import closing
from toolcell_server.hooks import endings as hook_endings
from toolcell_server.hooks.hooks import HookDidFail
from toolcell_server.refusals import NoCapacity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.hooks.hooks import Answer, Hook, Hooks
    from toolcell_server.validation import Validation


@dataclass(frozen=True, slots=True)
class HookedExecutor:
    """
    Runs the executor underneath if the hooks at `before_execution` let it, and hands on its result
    as those at `after_execution` leave it.
    """

    base: Executor
    hooks: Hooks
    validation: Validation

    async def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        for hook in self.hooks.at("before_execution", execution.tool):
            if outcome := await self._objection(hook, execution):
                yield pb.ExecuteResponse(finished=pb.Finished(outcome=outcome, usage=pb.Usage()))
                return
        after = self.hooks.at("after_execution", execution.tool)
        async with closing(self.base.execute(execution)) as events:
            async for event in events:
                if after and event.HasField("finished"):
                    await self._reviewed(after, execution, event.finished)
                yield event

    async def _objection(self, hook: Hook, execution: Execution) -> pb.Outcome | None:
        """
        The outcome if the tool must not run.
        """
        try:
            asking = hook.before(_told(execution), execution.arguments)
            answer = await _unless_stopped(execution, asking)
        except HookDidFail as exc:
            return hook_endings.failed_before(hook.name, str(exc))
        if answer is None:
            return endings.cancelled(execution.stop.reason)
        if answer.value is not None:
            why = "altered arguments, which it may not at before_execution"
            return hook_endings.failed_before(hook.name, why)
        return None if answer.veto is None else hook_endings.vetoed(hook.name, answer.veto)

    async def _reviewed(
        self, hooks: tuple[Hook, ...], execution: Execution, finished: pb.Finished
    ) -> None:
        """
        Leave in an ending what the hooks leave in it.
        """
        for hook in hooks:
            kind = finished.outcome.WhichOneof("kind") or ""
            if kind == "cancelled":
                return
            if outcome := await self._review(hook, execution, finished, kind):
                finished.outcome.CopyFrom(outcome)
                finished.result_json = b""
                finished.result_bytes = 0
                return

    async def _review(
        self, hook: Hook, execution: Execution, finished: pb.Finished, kind: str
    ) -> pb.Outcome | None:
        """
        The outcome in place of this one, if the result is withheld; puts another result in place.
        """
        ending = {"outcome": kind, "message": finished.outcome.message}
        told, result = _told(execution), finished.result_json
        try:
            asking = hook.after(told, execution.arguments, ending, result)
            answer = await _unless_stopped(execution, asking)
            if answer is not None and answer.value is not None:
                await self._replace(execution, finished, kind, answer.value)
        except HookDidFail as exc:
            return hook_endings.failed_after(hook.name, str(exc))
        if answer is None:
            return endings.cancelled(execution.stop.reason)
        return None if answer.veto is None else hook_endings.withheld(hook.name, answer.veto)

    async def _replace(
        self, execution: Execution, finished: pb.Finished, kind: str, result: bytes
    ) -> None:
        """
        Put another result in place of the tool's own.

        Raises:
            HookDidFail: it is none that the tool could have had.
        """
        if kind != "completed":
            raise HookDidFail("gave a result to an execution that has none")
        if len(result) > execution.grant.limits.result_bytes:
            raise HookDidFail("gave back a result that is larger than the call's limit")
        try:
            faults = await self.validation.check_result(execution.tool, result)
        except NoCapacity:
            raise HookDidFail("gave back a result that nobody could check") from None
        if faults:
            raise HookDidFail("gave back a result that the tool's schema does not allow")
        finished.result_json = result
        finished.result_bytes = len(result)


async def _unless_stopped(
    execution: Execution, asking: Coroutine[Any, Any, Answer]
) -> Answer | None:
    """
    The answer; None if the execution is asked to stop before it comes.
    """
    answer = asyncio.ensure_future(asking)
    stop = asyncio.ensure_future(execution.stop.event.wait())
    try:
        await asyncio.wait({answer, stop}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None
    finally:
        answer.cancel()
        stop.cancel()


def _told(execution: Execution) -> dict[str, Any]:
    """
    What a hook is told of an execution, besides its arguments.
    """
    caller = execution.caller
    return {
        "tool": execution.tool.name,
        "version": execution.tool.version,
        "principal": caller.name,
        "roles": caller.roles,
        "scopes": caller.scopes,
        "session": caller.session,
        "origin": caller.origin,
        "call_id": execution.call_id,
        "request_id": execution.request_id,
        "labels": dict(execution.labels),
        "execution_id": execution.execution_id,
    }
