"""
One turn as a synchronous iterator of what happens.

Theory of operation.  The provider's stream is read in the thread of whoever iterates: objects of
SDKs are not made for two threads, and a thread that waits for a provider cannot be told to stop.
So while the model speaks, what executions report is handed out between its pieces; afterwards, as
it comes.  Executions themselves begin and run in threads of their own all the while.  `approve` is
called in the iterating thread, too: it may ask on a terminal, and Ctrl-C must reach it.

What has begun ends with the iterator: closed, dropped, or left by an exception (Ctrl-C, an error of
the provider's stream), it cancels every execution and waits for their threads.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from toolcell_client.closing import Closing
from toolcell_client.errors import ToolcellError
from toolcell_client.formats.providers import format_of
from toolcell_client.formats.turns import Stop
from toolcell_client.loops.approving import Deny, decided
from toolcell_client.loops.events import CallReady, ExecutionEvent, TextDelta, TurnEnded
from toolcell_client.loops.executing import Broke, Executing
from toolcell_client.loops.extracting import extract
from toolcell_client.loops.turn_state import Consult, Extract, Run

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from typing import Any, Self

    from toolcell_client.client import Client
    from toolcell_client.formats.turns import WireTurn
    from toolcell_client.loops.approving import Decision, PendingCall
    from toolcell_client.loops.events import TurnEvent
    from toolcell_client.loops.executing import Happening
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.loops.turn_state import Step, TurnState

    Events = Generator[TurnEvent, None, None]
    DecidedCalls = Sequence[tuple[PendingCall, Decision]]


class TurnStream(Closing):
    """
    Iterates the events of one turn; `TurnEnded` is the last.  To close or drop it earlier cancels
    every execution that it has begun.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._result: TurnResult | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TurnEvent:
        event = next(self._events)
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

    def until_ended(self) -> TurnResult:
        """
        Read to the end.

        Raises:
            ValueError: the stream was closed before its end.
        """
        for _ in self:
            pass
        return self.result

    def close(self) -> None:
        self._events.close()


def ended(result: TurnResult | None) -> TurnResult:
    """
    Raises:
        ValueError: there is none.
    """
    if result is None:
        raise ValueError("the turn has no result before its end has been read")
    return result


class Turning:
    """
    Carries one turn through; one of the methods that return events, once.
    """

    def __init__(self, client: Client, state: TurnState) -> None:
        self._client, self._state = client, state
        self._executing = Executing(client, state.settings)

    def streamed(self, response: Iterable[Any]) -> Events:
        """
        A response that the provider streams.
        """
        accumulator = format_of(self._state.provider).accumulator()
        held = []
        with contextlib.closing(self._executing):
            for piece in (piece for event in response for piece in accumulator.add(event)):
                if isinstance(piece, str):
                    yield TextDelta(piece)
                else:
                    planned = self._state.read(piece)
                    yield CallReady(planned.call)
                    if self._state.settings.early:
                        yield from self._do(self._state.first(planned))
                    else:
                        held.append(planned)
                yield from self._meanwhile()
            wire = accumulator.turn()
            if wire.stop is Stop.CANCELLED:
                self._executing.cancel()
            for planned in held:
                yield from self._do(self._state.first(planned))
            yield from self._rest(wire)

    def whole(self, wire: WireTurn) -> Events:
        """
        A response that has come whole.
        """
        with contextlib.closing(self._executing):
            yield from self._rest(wire)

    def resumed(self, decisions: DecidedCalls) -> Events:
        """
        Calls that were pending, and what was decided about them.
        """
        with contextlib.closing(self._executing):
            for waiting, decision in decisions:
                yield from self._decided(waiting, decision)
            yield from self._until_ended()

    def _rest(self, wire: WireTurn) -> Events:
        for planned in self._state.finish(wire):
            yield CallReady(planned.call)
            yield from self._do(self._state.first(planned))
        yield from self._until_ended()

    def _until_ended(self) -> Events:
        while self._executing.open:
            yield from self._happened(self._executing.take())
        yield TurnEnded(self._state.result())

    def _meanwhile(self) -> Events:
        while (happening := self._executing.poll()) is not None:
            yield from self._happened(happening)

    def _happened(self, happening: Happening) -> Events:
        if isinstance(happening, ExecutionEvent):
            yield happening
        elif isinstance(happening, Broke):
            raise happening.error
        else:
            yield from self._do(self._state.ended(happening.run, happening.outcome))

    def _do(self, step: Step) -> Events:
        match step:
            case Run():
                self._executing.begin(step)
            case Extract():
                yield self._state.extracted(step.planned, extract(step.planned))
            case Consult():
                ask = self._state.settings.approve
                assert ask is not None, "nobody is consulted where nobody can be asked"
                assert step.pending.question is not None
                yield from self._decided(step.pending, decided(ask(step.pending.question)))
            case _:
                yield step

    def _decided(self, waiting: PendingCall, decision: Decision) -> Events:
        if isinstance(decision, Deny) and waiting.question is not None:
            # An own question, withdrawn: nobody else need read it, and it counts no more.
            with contextlib.suppress(ToolcellError):
                self._client.approvals.deny(waiting.question.approval_id, decision.reason)
        yield from self._do(self._state.decided(waiting, decision))
