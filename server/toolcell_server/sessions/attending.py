"""
Attends one call of a cell that serves several: over when its tool has said how it ended.

Theory of operation.  As the attending of a whole cell that is about to end: what lies in the pipes
is read, nobody is waited for, and the account is taken of the process that still lives, less what
it had used before the call.  From that moment the cell is paused.  Whatever ends otherwise (a
limit, a cancellation, a crash) is the end of the cell, and is told as ever.

In its first call our own code speaks until READY.  In every other the tool's code has run before,
and its threads go on: nothing that the cell says is ours then, and its end is the tool's.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from toolcell_worker.wire import Frame, PeerClosed

from toolcell_server.attending import Attending
from toolcell_server.cells import Reaping
from toolcell_server.hearing import Hearing

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell.v1 import execution_pb2 as pb
    from toolcell_worker.wire import Message

    from toolcell_server.egress_process import Egress
    from toolcell_server.execution import Execution
    from toolcell_server.sessions.interpreter import Interpreter

_RAISED = 1 << 8  # a wait status (wait(2))


class HearingCall(Hearing):
    """
    Hears one call, and leaves the channel for the next.  `said` is called when its ending has come.
    `again`: the tool has had a call before, and whatever comes may be its word, READY too.
    """

    said: Callable[[], None]
    listens: Callable[[int], None]
    again = False
    _greeted = False

    def resume(self) -> None:
        if self.again and not self.words.ready:
            self._begin()
        super().resume()

    def finish(self) -> None:
        self._finished = True
        self.pull()

    def _take(self, message: Message) -> None:
        if self.again and message.kind == Frame.READY and not self._greeted:
            self._greeted = True
            return
        super()._take(message)
        if self.words.result is not None or self.words.raised is not None:
            self.said()
            raise PeerClosed  # for this call

    def _prepare(self, message: Message) -> None:
        if message.kind == Frame.LISTENER:
            for descriptor in message.descriptors:
                self.listens(descriptor)
        super()._prepare(message)


class AttendingCall(Attending):
    """
    `goes_on`: the cell lives, and may be told another call.
    """

    HEARING = HearingCall

    def __init__(self, execution: Execution, interpreter: Interpreter, egress: Egress) -> None:
        super().__init__(execution, interpreter.hold, interpreter.isolation, egress)
        assert isinstance(self._hearing, HearingCall)
        self.goes_on = False
        self._interpreter = interpreter
        self._before = interpreter.account() or Reaping(0, 0.0, 0.0, 0)
        self._watch.cpu_before = self._before.user_seconds + self._before.system_seconds
        self._hearing.said = self._said
        self._hearing.again = interpreter.calls > 0
        self._hearing.listens = interpreter.keep
        if descriptors := interpreter.listener():
            self._denials.observe(descriptors)

    def _said(self) -> None:
        """
        The tool has said how the call ended.
        """
        now = self._interpreter.account()
        if now is None or self._is_over:
            return  # it has died over it, which we are about to hear
        words = self.reckoning.words
        self.hold.cell.reaped.remove_done_callback(self._reaped)
        self._interpreter.pause()
        self.goes_on = words.result is not None
        status = 0 if self.goes_on else _RAISED
        self._over(dataclasses.replace(now, status=status))

    def _end(self, outcome: pb.Outcome) -> None:
        self.goes_on = False  # though it may have said how the call ended
        super()._end(outcome)

    def _over(self, account: Reaping | None) -> None:
        """
        The process is accounted for from its beginning, and we tell of one call; the peak of its
        memory stays that of the process.
        """
        if account is not None:
            account = dataclasses.replace(
                account,
                user_seconds=max(0.0, account.user_seconds - self._before.user_seconds),
                system_seconds=max(0.0, account.system_seconds - self._before.system_seconds),
            )
        super()._over(account)
