"""
The interpreters of all sessions: at most one each, and only so many.

Theory of operation.  Each session has a turn that one call at a time holds.  An interpreter that
nobody has used for a while ends, and so does the one that was not used for longest when there are
too many: of a principal, or of the server.  Those that serve a call are never ended for others;
their number is bounded by the places of executions.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from toolcell_server.sessions.interpreter import Interpreter
    from toolcell_server.settings.sessions import SessionsSettings

FIRST: Final = "it is the first of this session since the server started"
UNUSED: Final = "the one before was not used for too long"
CROWDED: Final = "the one before made room for others"


@dataclass(slots=True, eq=False)
class Turn:
    """
    Whose turn it is in one session, and its interpreter.  `why` there is none, for people.
    """

    owner: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    interpreter: Interpreter | None = None
    why: str = FIRST
    timer: asyncio.TimerHandle | None = None

    async def end(self, why: str) -> None:
        """
        End the interpreter, if there is one.
        """
        ended, self.interpreter = self.interpreter, None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if ended is not None:
            self.why = why
            await ended.aclose()


class Interpreters:
    """
    Lives on one event loop.
    """

    def __init__(self, settings: SessionsSettings) -> None:
        self._settings = settings
        self._turns: dict[str, Turn] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        return sum(turn.interpreter is not None for turn in list(self._turns.values()))

    def turn(self, place: str, owner: str) -> Turn:
        """
        Of the session in that place.
        """
        return self._turns.setdefault(place, Turn(owner))

    async def make_room(self, owner: str) -> None:
        """
        For one more of that principal's, by ending some that nobody uses now.
        """
        settings = self._settings
        for whose, most in (
            (owner, settings.interpreters_per_principal),
            (None, settings.interpreters),
        ):
            there = [
                each
                for each in self._turns.values()
                if each.interpreter is not None and whose in (None, each.owner)
            ]
            idle = [each for each in there if not each.lock.locked()]
            idle.sort(key=lambda each: each.interpreter.used if each.interpreter else 0.0)
            for each in idle[: max(0, len(there) + 1 - most)]:
                if not each.lock.locked():  # no call has come while another was ended
                    async with each.lock:
                        await each.end(CROWDED)

    def rest(self, turn: Turn) -> None:
        """
        Its call has ended; it waits for the next one, but not for ever.
        """
        loop = asyncio.get_running_loop()
        if turn.timer is not None:
            turn.timer.cancel()
        turn.timer = loop.call_later(self._settings.interpreter_idle_seconds, self._expire, turn)

    async def end(self, place: str) -> None:
        """
        The session has ended.
        """
        if turn := self._turns.pop(place, None):
            await turn.end("the session has ended")

    async def aclose(self) -> None:
        """
        End all.
        """
        for place in list(self._turns):
            await self.end(place)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _end_unused(self, turn: Turn) -> None:
        if not turn.lock.locked():
            async with turn.lock:
                await turn.end(UNUSED)

    def _expire(self, turn: Turn) -> None:
        if turn.lock.locked():  # a call has come; it rests again afterwards
            return
        task = asyncio.get_running_loop().create_task(self._end_unused(turn))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
