from __future__ import annotations

import asyncio
import threading

import pytest
from scripted_executor import run
from toolcell_server import principal
from toolcell_server.principal import Principal
from toolcell_server.workflows.aside import aside


def test_what_is_evaluated_is_returned_or_raised() -> None:
    async def scenario() -> None:
        assert 3 == await aside(max, 1, 3)
        with pytest.raises(ZeroDivisionError):
            await aside(divmod, 1, 0)

    run(scenario())


def test_one_principals_evaluations_wait_for_each_other_and_for_one_of_another() -> None:
    """
    Mallory has a hundred; alice, who comes last, is served second.
    """
    order: list[str] = []
    go = threading.Event()

    def note(name: str) -> None:
        go.wait(10)
        order.append(name)

    async def of(name: str) -> None:
        with principal.calling(Principal(name=name)):
            await aside(note, name)

    async def scenario() -> None:
        tasks = [asyncio.create_task(of("mallory")) for _ in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(of("alice")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*tasks)

    run(scenario())

    assert ["mallory", "alice", "mallory"] == order[:3]
    assert 101 == len(order)
