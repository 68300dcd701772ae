"""
Which host a call goes to, who waits, and what becomes of the places.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import run
from toolcell_server.hosts.group import Group, NoHost
from toolcell_server.refusals import NoCapacity
from toolcell_server.tool import Tool
from toolcell_server.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

TOOL = Tool(name="look_up", bundle="hosted:principal:alice", version="1", hosted="digest")


class FakeHost:
    """
    Has places, and tells when one is free again.
    """

    def __init__(self, concurrency: int, freed: Callable[[], object] = lambda: None) -> None:
        self.concurrency, self.busy, self.freed = concurrency, 0, freed

    @property
    def has_place(self) -> bool:
        return self.busy < self.concurrency

    def take_place(self) -> None:
        self.busy += 1

    def give_back(self) -> None:
        self.busy -= 1
        self.freed()


def group(*hosts: FakeHost, queue: int = 4) -> Any:
    made: Any = Group(TOOL, queue)
    for host in hosts:
        host.freed = made.serve
        made.add(host)
    return made


def of(share: str) -> Wanted:
    return Wanted(share, "look_up", None)


def test_the_least_busy_for_its_size_is_next_and_equals_take_turns() -> None:
    small, large = FakeHost(1), FakeHost(3)
    hosts = group(small, large)
    for number in range(4):
        hosts.reserve(str(number), of("alice"))

    assert [small, large, large, large] == [hosts.kept(str(number)) for number in range(4)]


def test_no_more_wait_than_the_queue_holds() -> None:
    hosts = group(FakeHost(1), queue=1)
    hosts.reserve("runs", of("alice"))
    hosts.reserve("waits", of("alice"))
    with pytest.raises(NoCapacity) as refused:
        hosts.reserve("too many", of("alice"))

    assert "hosts" == refused.value.metadata["cause"]


def test_turns_are_shared_between_callers() -> None:
    async def scenario() -> list[str]:
        host = FakeHost(1)
        hosts = group(host, queue=20)
        order = list[str]()

        async def play(name: str) -> None:
            at = await hosts.turn(name)
            order.append(name)
            await asyncio.sleep(0)
            at.give_back()
            hosts.release(name)

        for name in ("a1", "a2", "a3", "b1"):
            hosts.reserve(name, of(name[0]))
        await asyncio.gather(*map(play, ("a1", "a2", "a3", "b1")))
        assert 0 == host.busy
        return order

    assert ["a1", "b1", "a2", "a3"] == run(scenario())


def test_a_place_is_given_back_whoever_is_cancelled() -> None:
    async def scenario() -> None:
        host = FakeHost(1)
        hosts = group(host)
        hosts.reserve("runs", of("alice"))
        hosts.reserve("waits", of("alice"))
        waiting = asyncio.create_task(hosts.turn("waits"))
        await asyncio.sleep(0)
        hosts.release("runs")  # the turn has come, and nobody has woken up yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        hosts.release("waits")
        assert (0, 0) == (host.busy, hosts.waiting)

    run(scenario())


def test_a_place_that_is_not_used_goes_to_the_next() -> None:
    async def scenario() -> None:
        host = FakeHost(1)
        hosts = group(host)
        hosts.reserve("refused later", of("alice"))
        hosts.reserve("waits", of("bob"))
        hosts.release("refused later")
        assert host is await hosts.turn("waits")

    run(scenario())


def test_those_that_wait_hear_that_the_last_host_is_gone() -> None:
    async def scenario() -> None:
        host = FakeHost(1)
        hosts = group(host)
        hosts.reserve("runs", of("alice"))
        hosts.reserve("waits", of("alice"))
        waiting = asyncio.create_task(hosts.turn("waits"))
        await asyncio.sleep(0)
        hosts.remove(host)
        hosts.abandon()
        with pytest.raises(NoHost):
            await waiting
        with pytest.raises(NoHost):
            await hosts.turn("runs")  # its place was kept at the host that is gone

    run(scenario())


def test_a_second_attempt_stands_before_those_that_have_not_run() -> None:
    async def scenario() -> list[str]:
        first, second = FakeHost(1), FakeHost(1)
        hosts = group(first, second)
        for name in ("moves", "runs", "waits"):
            hosts.reserve(name, of("alice"))
        await hosts.turn("moves")
        runs = await hosts.turn("runs")
        hosts.remove(first)
        order = list[str]()

        async def play(name: str) -> None:
            host = await hosts.turn(name)
            order.append(name)
            host.give_back()

        plays = [asyncio.create_task(play(name)) for name in ("waits", "moves")]
        await asyncio.sleep(0)
        runs.give_back()
        await asyncio.gather(*plays)
        return order

    assert ["moves", "waits"] == run(scenario())
