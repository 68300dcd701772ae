"""
Runs what is stateful in the interpreter of its session, and everything else as ever.

Theory of operation.  One call at a time: others wait for their turn, as long as they have time.  If
the session has no interpreter, or one that was granted something else, a fresh one begins, and the
ending says so (`FRESH_INTERPRETER`).  A call that does not come to a result (a limit, a
cancellation, a crash) ends its interpreter, and says that, too (`STATE_LOST`): nobody can tell what
state it was in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.attending import USAGE_SECONDS
from toolcell_server.executor import closing
from toolcell_server.refusals import NoCapacity
from toolcell_server.sessions.attending import AttendingCall
from toolcell_server.sessions.interpreter import Interpreter
from toolcell_server.stopping import StoppedWaiting, unless_stopped
from toolcell_server.ticker import Ticker
from toolcell_server.zygote import ZygoteDied, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.pool import Pool
    from toolcell_server.sessions.interpreters import Interpreters, Turn
    from toolcell_server.validation import Validation
    from toolcell_server.watchdog import Watchdog

FRESH: Final = "FRESH_INTERPRETER"
LOST: Final = "STATE_LOST"
_LOST: Final = "the interpreter of the session has ended with this call: its state is lost"
_ELSE: Final = (
    "the one before was granted something else than this call would get, or its bundle was reloaded"
)
_SPOKE: Final = "the one before had ended, or said something out of turn"
_ENDED: Final = "the one before has ended with its last call"


class StatefulExecutor:
    """
    `base` runs what is not stateful.
    """

    def __init__(
        self,
        base: Executor,
        interpreters: Interpreters,
        *,
        pool: Pool,
        watchdog: Watchdog,
        validation: Validation,
        egress: Egress,
    ) -> None:
        self._base = base
        self._interpreters = interpreters
        self._pool = pool
        self._watchdog = watchdog
        self._validation = validation
        self._egress = egress
        self._ticker = Ticker(USAGE_SECONDS)

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if not execution.stateful:
            return self._base.execute(execution)
        return self._execute(execution)

    async def _execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        assert execution.session is not None
        turn = self._interpreters.turn(execution.session.place, execution.principal)
        try:
            await unless_stopped(turn.lock.acquire(), execution, lambda _: turn.lock.release())
        except StoppedWaiting:
            yield _finished(endings.cancelled(execution.stop.reason))
            return
        try:
            async with closing(self._in_turn(execution, turn)) as events:
                async for event in events:
                    yield event
        finally:
            turn.lock.release()

    async def _in_turn(self, execution: Execution, turn: Turn) -> AsyncIterator[pb.ExecuteResponse]:
        try:
            interpreter, warning = await self._interpreter(execution, turn)
        except StoppedWaiting:
            yield _finished(endings.cancelled(execution.stop.reason))
            return
        except (ZygoteDied, ZygoteFailed) as exc:
            yield _finished(_no_cell(exc))
            return
        goes_on = False
        attending = AttendingCall(execution, interpreter, self._egress)
        try:
            with attending.watched(self._watchdog, self._ticker):
                interpreter.go_on(execution)
                while (event := await attending.events.get()) is not None:
                    yield event
            finished = await attending.finished()
            goes_on = attending.goes_on
        finally:
            await attending.until_reaped()
            attending.close()
            if goes_on:
                self._interpreters.rest(turn)
            else:
                await turn.end(_ENDED)
        if finished.outcome.HasField("completed"):
            await self._check_result(execution, finished)
        finished.warnings.extend(warning)
        if not goes_on:
            finished.outcome.message = f"{finished.outcome.message}; {_LOST}".removeprefix("; ")
            finished.warnings.append(pb.Warning(reason=LOST, message=_LOST))
        yield pb.ExecuteResponse(finished=finished)

    async def _interpreter(
        self, execution: Execution, turn: Turn
    ) -> tuple[Interpreter, list[pb.Warning]]:
        """
        That of the session if it may go on, else a fresh one, and the warning that it is one.
        """
        there = turn.interpreter
        if there is not None and there.suits(execution):
            if there.is_silent():
                return there, []
            await turn.end(_SPOKE)
        await turn.end(_ELSE)
        await self._interpreters.make_room(turn.owner)
        turn.interpreter = await Interpreter.opened(self._pool, execution)
        why = f"a fresh interpreter began with this call: {turn.why}"
        return turn.interpreter, [pb.Warning(reason=FRESH, message=why)]

    async def _check_result(self, execution: Execution, finished: pb.Finished) -> None:
        outcome = None
        try:
            if faults := await self._validation.check_result(execution.tool, finished.result_json):
                outcome = endings.bad_result(faults)
        except NoCapacity:  # no validator can be started, or the server ends
            outcome = endings.unchecked_result()
        if outcome is not None:
            finished.outcome.CopyFrom(outcome)
            finished.result_json = b""
            finished.result_bytes = 0


def _finished(outcome: pb.Outcome) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(finished=pb.Finished(outcome=outcome, usage=pb.Usage()))


def _no_cell(exc: ZygoteDied | ZygoteFailed) -> pb.Outcome:
    if isinstance(exc, ZygoteDied):
        return endings.zygote_died()
    reason = pb.LOST_REASON_WALL_NOT_BUILT if exc.wall else pb.LOST_REASON_CELL_DIED
    return endings.lost(reason, f"no cell could be made: {exc}", exc.wall)
