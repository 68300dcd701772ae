"""
Whose turn it is: nobody keeps the others from having theirs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from toolcell_server.registering import turns
from toolcell_server.registering.turns import Turns

if TYPE_CHECKING:
    import pytest


def test_principals_take_turns_however_much_each_wants() -> None:
    async def scenario() -> list[str]:
        order: list[str] = []
        taking = Turns()

        async def take(name: str) -> None:
            async with taking.of(name):
                await asyncio.sleep(0)
                order.append(name)

        await asyncio.gather(*(take("flood") for _ in range(20)), take("one"))
        return order

    assert "one" in asyncio.run(scenario())[:2]


def test_there_is_one_at_a_time() -> None:
    async def scenario() -> int:
        taking, within, most = Turns(), 0, 0

        async def take(name: str) -> None:
            nonlocal within, most
            async with taking.of(name):
                within += 1
                most = max(most, within)
                await asyncio.sleep(0)
                within -= 1

        await asyncio.gather(*(take(str(index % 5)) for index in range(20)))
        return most

    assert 1 == asyncio.run(scenario())


def test_who_took_long_waits_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONG_SECONDS", -1.0)
    resting: list[float] = []
    rest = asyncio.sleep

    async def scenario() -> list[str]:
        order: list[str] = []
        taking, rested = Turns(), asyncio.Event()

        async def sleep(seconds: float) -> None:
            resting.append(seconds)
            if len(resting) == 1:
                await rested.wait()
            await rest(0)

        monkeypatch.setattr(asyncio, "sleep", sleep)

        async def take(name: str) -> None:
            async with taking.of(name):
                order.append(name)
            if name == "quick":
                rested.set()

        await asyncio.gather(take("slow"), take("slow"), take("quick"))
        return order

    assert ["slow", "quick", "slow"] == asyncio.run(scenario())


def test_nothing_is_kept_of_principals_that_want_nothing() -> None:
    async def scenario() -> int:
        taking = Turns()
        for index in range(100):
            async with taking.of(str(index)):
                pass
        return len(taking._own)

    assert 0 == asyncio.run(scenario())
