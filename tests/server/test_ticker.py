"""
One timer for many callbacks.
"""

from __future__ import annotations

import asyncio

from scripted_executor import run
from toolcell_server.ticker import PARTS, Ticker

TURN = 0.05  # seconds


def test_everybody_is_called_each_turn_and_nobody_after_he_has_left() -> None:
    """
    A usage event that comes after `finished` would be one too many.
    """

    async def scenario() -> list[str]:
        ticker = Ticker(TURN)
        called: list[str] = []
        thrice = asyncio.Event()

        def stays() -> None:
            called.append("stays")
            if called.count("stays") == 3:
                thrice.set()

        def leaves() -> None:
            called.append("leaves")
            ticker.discard(leaves)

        ticker.add(leaves)
        ticker.add(stays)
        ticker.discard(scenario)  # type: ignore[arg-type]  # who was never there
        await thrice.wait()
        ticker.discard(stays)
        return called

    assert ["leaves", "stays", "stays", "stays"] == run(scenario())


def test_the_work_of_a_turn_is_spread_over_it() -> None:
    """
    A thousand usage events at once would keep everybody else waiting.
    """

    async def scenario() -> list[int]:
        ticker = Ticker(3600.0)  # which passes by our hand
        called: list[int] = []
        for number in range(PARTS):
            ticker.add(lambda number=number: called.append(number))  # type: ignore[misc]
            ticker._tick()
        assert called == [0]  # a whole turn has passed since it came
        at_once = []
        for _ in range(PARTS):
            before = len(called)
            ticker._tick()
            at_once.append(len(called) - before)
        return at_once

    assert [1] * PARTS == run(scenario())
