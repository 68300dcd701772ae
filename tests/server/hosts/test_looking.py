"""
Offers are looked at one at a time, whoever hangs up meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, cast

from toolcell_server.hosts import offers
from toolcell_server.hosts.looking import Looking

if TYPE_CHECKING:
    import pytest


class Owner:
    principal = "alice"


def test_who_hangs_up_keeps_his_place_until_his_offer_has_been_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Or a flood of offers that cost much, each given up at once, would have a thread each.
    """
    begun, may_end = threading.Semaphore(0), threading.Event()

    def tools_of(*_: object, **__: object) -> tuple[()]:
        begun.release()
        may_end.wait(60)
        return ()

    monkeypatch.setattr(offers, "tools_of", tools_of)

    async def scenario() -> tuple[int, bool, int]:
        looking = Looking(cast("Any", None), cast("Any", None))
        tasks = [
            asyncio.create_task(looking.tools(cast("Any", Owner), cast("Any", None)))
            for _ in range(2)
        ]
        await asyncio.to_thread(begun.acquire)
        tasks[0].cancel()
        await asyncio.sleep(0)
        coming, second = looking.coming("alice"), begun.acquire(blocking=False)
        may_end.set()
        await asyncio.wait(tasks)
        return coming, second, looking.coming("alice")

    assert (2, False, 0) == asyncio.run(scenario())
