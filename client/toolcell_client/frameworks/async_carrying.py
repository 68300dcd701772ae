"""
Carries calls with an `AsyncClient`; see `carrying`.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import TYPE_CHECKING, NoReturn

from toolcell_client.errors import ToolcellError
from toolcell_client.loops.approving import Decision, Deny, decided
from toolcell_client.loops.events import ExecutionEvent
from toolcell_client.loops.executing import options
from toolcell_client.loops.turn_state import Consult, Extract, Run

if TYPE_CHECKING:
    from toolcell_client.async_client import AsyncClient
    from toolcell_client.frameworks.carrying import Hear
    from toolcell_client.frameworks.one_call import OneCall
    from toolcell_client.loops.approving import PendingCall
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.result import Result

NOT_SYNCHRONOUS = (
    "these tools have an AsyncClient, which works in its event loop only:"
    " await the tool (ainvoke), or make the tools with a Client"
)


class AsyncCarrier:
    """
    Has the methods of `Carrier`; those that wait in the thread raise TypeError.
    """

    def __init__(self, client: AsyncClient, settings: TurnSettings) -> None:
        self._client, self._settings = client, settings

    def carry(self, _call: OneCall, _hear: Hear) -> NoReturn:
        raise TypeError(NOT_SYNCHRONOUS)

    def decide(self, _call: OneCall, _decision: Decision) -> NoReturn:
        raise TypeError(NOT_SYNCHRONOUS)

    async def carry_on(self, call: OneCall, hear: Hear) -> None:
        while True:
            match call.step:
                case Run() as run:
                    call.take(run, await self._outcome(run, hear))
                case Extract() as step:
                    await asyncio.to_thread(call.extract, step)
                case Consult(pending=pending):
                    await self.decide_on(call, await self._asked(pending))
                case _:
                    return

    async def decide_on(self, call: OneCall, decision: Decision) -> None:
        if isinstance(decision, Deny) and call.question is not None:
            with contextlib.suppress(ToolcellError):
                await self._client.approvals.deny(call.question.approval_id, decision.reason)
        call.decide(decision)

    async def ask_on(self, call: OneCall) -> Result:
        assert isinstance(call.step, Run)
        made = options(call.step, self._settings)
        planned = call.planned
        made["validate_only"], made["request_id"] = True, ""
        return await self._client.run(planned.call.tool, planned.arguments_json, **made)

    async def _asked(self, waiting: PendingCall) -> Decision:
        assert self._settings.approve is not None
        assert waiting.question is not None
        answered = self._settings.approve(waiting.question)
        return decided(await answered if inspect.isawaitable(answered) else answered)

    async def _outcome(self, run: Run, hear: Hear) -> Result | ToolcellError:
        planned = run.planned
        made = options(run, self._settings)
        try:
            stream = self._client.execute(planned.call.tool, planned.arguments_json, **made)
            async with stream:
                async for event in stream:
                    if event.WhichOneof("event") != "result_chunk":
                        heard = hear(ExecutionEvent(planned.call, event))
                        if inspect.isawaitable(heard):
                            await heard
                return await stream.result()
        except ToolcellError as exc:
            return exc
