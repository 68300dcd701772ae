"""
One turn as an asynchronous iterator of what happens; see `streaming`, its twin.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from toolcell_client.closing import AsyncClosing
from toolcell_client.errors import ToolcellError
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.turns import Stop
from toolcell_client.loops.approving import Deny, decided
from toolcell_client.loops.async_executing import AsyncExecuting, Said, SaidAll
from toolcell_client.loops.events import CallReady, ExecutionEvent, TextDelta, TurnEnded
from toolcell_client.loops.executing import Broke
from toolcell_client.loops.extracting import extract
from toolcell_client.loops.streaming import ended
from toolcell_client.loops.turn_state import Consult, Extract, Run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
    from typing import Any, Self

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats.format import Accumulator
    from toolcell_client.formats.turns import WireTurn
    from toolcell_client.loops.approving import Decision, PendingCall
    from toolcell_client.loops.events import TurnEvent
    from toolcell_client.loops.executing import Happening
    from toolcell_client.loops.planning import Planned
    from toolcell_client.loops.streaming import DecidedCalls
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.loops.turn_state import Step, TurnState

    Events = AsyncGenerator[TurnEvent, None]


class AsyncTurnStream(AsyncClosing):
    """
    Iterates the events of one turn; `TurnEnded` is the last.  To close it earlier, or to cancel
    the task that waits for it, cancels every execution that it has begun.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._result: TurnResult | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TurnEvent:
        event = await anext(self._events)
        if isinstance(event, TurnEnded):
            self._result = event.result
        return event

    @property
    def result(self) -> TurnResult:
        """
        The turn, once its end has been read.

        Raises:
            ValueError: it has not.
        """
        return ended(self._result)

    async def until_ended(self) -> TurnResult:
        """
        Read to the end.

        Raises:
            ValueError: the stream was closed before its end.
        """
        async for _ in self:
            pass
        return self.result

    async def aclose(self) -> None:
        await self._events.aclose()


class AsyncTurning:
    """
    Carries one turn through; one of the methods that return events, once.  What has happened and
    was not handed out yet waits in `_ready`: one generator and no others within it, because a
    generator that is left does not close those that it iterates.
    """

    def __init__(self, client: AsyncClient, state: TurnState) -> None:
        self._client, self._state = client, state
        self._executing = AsyncExecuting(client, state.settings)
        self._accumulator: Accumulator
        self._ready: deque[TurnEvent] = deque()
        self._held: list[Planned] = []

    def streamed(self, response: AsyncIterable[Any] | Iterable[Any]) -> Events:
        """
        A response that the provider streams.
        """
        return self._play(partial(self._listen, response))

    def whole(self, wire: WireTurn) -> Events:
        """
        A response that has come whole.
        """
        return self._play(partial(self._rest, wire))

    def resumed(self, decisions: DecidedCalls) -> Events:
        """
        Calls that were pending, and what was decided about them.
        """
        return self._play(partial(self._resume, decisions))

    async def _play(self, begin: Callable[[], Awaitable[None]]) -> Events:
        async with contextlib.aclosing(self._executing):
            await begin()
            while self._ready or self._executing.open:
                if self._ready:
                    yield self._ready.popleft()
                else:
                    await self._happened(await self._executing.take())
            yield TurnEnded(self._state.result())

    async def _listen(self, response: AsyncIterable[Any] | Iterable[Any]) -> None:
        self._accumulator = format_of(self._state.provider).accumulator()
        self._executing.listen(response)

    async def _resume(self, decisions: DecidedCalls) -> None:
        for waiting, decision in decisions:
            await self._decided(waiting, decision)

    async def _happened(self, happening: Happening | Said | SaidAll) -> None:
        match happening:
            case Said():
                await self._said(happening)
            case SaidAll(error=None):
                wire = self._accumulator.turn()
                if wire.stop is Stop.CANCELLED:
                    await self._executing.cancel()
                await self._rest(wire)
            case SaidAll(error=error) | Broke(error=error):
                assert error is not None, "see above"
                raise error
            case ExecutionEvent():
                self._ready.append(happening)
            case _:
                await self._do(self._state.ended(happening.run, happening.outcome))

    async def _said(self, said: Said) -> None:
        for piece in self._accumulator.add(said.event):
            if isinstance(piece, str):
                self._ready.append(TextDelta(piece))
                continue
            planned = self._state.read(piece)
            self._ready.append(CallReady(planned.call))
            if self._state.settings.early:
                await self._do(self._state.first(planned))
            else:
                self._held.append(planned)

    async def _rest(self, wire: WireTurn) -> None:
        for planned in self._held:
            await self._do(self._state.first(planned))
        for planned in self._state.finish(wire):
            self._ready.append(CallReady(planned.call))
            await self._do(self._state.first(planned))

    async def _do(self, step: Step) -> None:
        match step:
            case Run():
                self._executing.begin(step)
            case Extract():
                told = await asyncio.to_thread(extract, step.planned)
                self._ready.append(self._state.extracted(step.planned, told))
            case Consult():
                await self._decided(step.pending, await self._asked(step.pending))
            case _:
                self._ready.append(step)

    async def _asked(self, waiting: PendingCall) -> Decision:
        ask = self._state.settings.approve
        assert ask is not None, "nobody is consulted where nobody can be asked"
        assert waiting.question is not None
        answered = ask(waiting.question)
        return decided(await answered if inspect.isawaitable(answered) else answered)

    async def _decided(self, waiting: PendingCall, decision: Decision) -> None:
        if isinstance(decision, Deny) and waiting.question is not None:
            # An own question, withdrawn: nobody else need read it, and it counts no more.
            with contextlib.suppress(ToolcellError):
                await self._client.approvals.deny(waiting.question.approval_id, decision.reason)
        await self._do(self._state.decided(waiting, decision))
