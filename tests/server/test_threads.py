"""
Work in a thread: whoever waits for it knows when it is over.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from toolcell_server.principal import Principal, calling, current
from toolcell_server.threads import in_thread


def test_who_gives_up_waits_for_what_he_began() -> None:
    """
    Or a flood of calls that are given up would have a thread each.
    """
    may_end = threading.Event()

    async def scenario() -> tuple[bool, bool]:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            may_end.wait(60)

        task = asyncio.create_task(in_thread(work))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        before = task.done()
        may_end.set()
        await asyncio.wait([task])
        return before, task.cancelled()

    assert (False, True) == asyncio.run(scenario())


def test_it_runs_for_its_caller_in_the_pool_that_it_was_given() -> None:
    def where() -> tuple[str, str]:
        return current().name, threading.current_thread().name

    with ThreadPoolExecutor(1, "own") as pool, calling(Principal(name="alice")):
        assert ("alice", "own_0") == asyncio.run(in_thread(where, pool=pool))
