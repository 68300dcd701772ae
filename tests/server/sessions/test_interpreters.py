"""
Which interpreters make room for others.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from toolcell_server.sessions.interpreters import Interpreters
from toolcell_server.settings.sessions import SessionsSettings


class Slow:
    """
    An interpreter that takes as long to end as the test wants.
    """

    def __init__(self, used: float) -> None:
        self.used = used
        self.ending = asyncio.Event()
        self.go_on = asyncio.Event()

    async def aclose(self) -> None:
        self.ending.set()
        await self.go_on.wait()


def test_whoever_is_called_while_another_ends_makes_no_room() -> None:
    async def scenario() -> None:
        ours = Interpreters(SessionsSettings(enabled=True, interpreters_per_principal=1))
        turns = [ours.turn(place, "alice") for place in ("first", "second")]
        there = [Slow(used) for used in (1.0, 2.0)]
        for turn, each in zip(turns, there, strict=True):
            turn.interpreter = cast("Any", each)
        crowded = asyncio.create_task(ours.make_room("alice"))
        await there[0].ending.wait()
        await turns[1].lock.acquire()
        for each in there:
            each.go_on.set()
        await crowded

        assert turns[0].interpreter is None
        assert turns[1].interpreter is cast("Any", there[1])

    asyncio.run(scenario())


def test_a_call_that_comes_while_an_interpreter_ends_waits_for_its_end() -> None:
    async def scenario() -> None:
        ours = Interpreters(SessionsSettings(enabled=True, interpreters_per_principal=1))
        turn, one = ours.turn("place", "alice"), Slow(1.0)
        turn.interpreter = cast("Any", one)
        crowded = asyncio.create_task(ours.make_room("alice"))
        await one.ending.wait()
        called = asyncio.create_task(turn.lock.acquire())
        await asyncio.sleep(0)

        assert not called.done()
        one.go_on.set()
        await crowded
        assert await called

    asyncio.run(scenario())
