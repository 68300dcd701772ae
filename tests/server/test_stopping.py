"""
Waiting for somebody who may change his mind.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.execution import Execution, Stop
from toolcell_server.stopping import StoppedWaiting, unless_stopped

if TYPE_CHECKING:
    from collections.abc import Callable


def execution() -> Execution:
    return cast("Execution", SimpleNamespace(stop=Stop()))


async def after(event: asyncio.Event) -> str:
    await event.wait()
    return "it"


def test_what_comes_is_his() -> None:
    async def scenario() -> str:
        come = asyncio.Event()
        come.set()
        return await unless_stopped(after(come), execution())

    assert "it" == asyncio.run(scenario())


def test_whoever_is_asked_to_stop_waits_no_longer_and_what_he_waited_for_is_cancelled() -> None:
    async def scenario() -> list[str]:
        came: list[str] = []
        one = execution()

        async def never() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                came.append("cancelled")

        asyncio.get_running_loop().call_soon(one.stop.request, pb.CANCEL_REASON_REQUESTED)
        with pytest.raises(StoppedWaiting):
            await unless_stopped(never(), one)
        await asyncio.sleep(0)
        return came

    assert ["cancelled"] == asyncio.run(scenario())


def test_what_comes_while_he_is_being_cancelled_is_given_back() -> None:
    async def scenario() -> list[str]:
        come, unwanted = asyncio.Event(), list[str]()
        give_back: Callable[[str], None] = unwanted.append
        task = asyncio.create_task(unless_stopped(after(come), execution(), give_back))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        come.set()
        asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.wait((task,))
        return unwanted if task.cancelled() else [task.result()]

    assert ["it"] == asyncio.run(scenario())
