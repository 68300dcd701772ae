"""
The egress as a process: started when it is needed and again when it has died, and never waited for
without end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dns.message
import psutil
import pytest
from scripted_executor import run
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import egress_process
from toolcell_server.domain_grants import MAXIMUM_PORTS
from toolcell_server.egress.rules import Rule
from toolcell_server.egress_process import Egress, EgressFailed
from toolcell_server.egress_seen import EgressSeen
from toolcell_server.grants import Grant
from toolcell_server.limits import Limits
from toolcell_server.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from toolcell_server.egress_process import Attachment

LOOPBACK = "127.0.0.1"
GRANT = Grant(limits=Limits(), domains=(Rule.parse("a.example:443"),))
INSTRUCTIONS: dict[str, Any] = {
    "identity": None,
    "resolver": [[LOOPBACK, 9]],
    "private": [],
    "denied": [],
    "ca_file": "",
    "credentials": {},
}


@dataclass
class Cell:
    """
    What a cell hands over, on this host's own network, and what it hears.
    """

    names: socket.socket
    names_over_tcp: socket.socket
    listener: socket.socket
    denials: list[pb.Denied] = field(default_factory=list)

    @property
    def descriptors(self) -> list[int]:
        return [each.fileno() for each in (self.names, self.names_over_tcp, self.listener)]

    async def attach(self, egress: Egress) -> Attachment:
        return await egress.attach(
            GRANT,
            self.descriptors,
            denied=self.denials.append,
            spent=lambda _: None,
            fields={},
        )

    async def address_of(self, name: str) -> list[str]:
        """
        What the egress answers to somebody who asks for a name.
        """
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            query = dns.message.make_query(name, "A").to_wire()
            await loop.sock_sendto(asking, query, self.names.getsockname())
            answer = dns.message.from_wire(await loop.sock_recv(asking, 4096))
        return [str(each) for rrset in answer.answer for each in rrset]


@pytest.fixture
def cell() -> Iterator[Cell]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names,
        socket.create_server((LOOPBACK, 0)) as names_over_tcp,
        socket.create_server((LOOPBACK, 0)) as listener,
    ):
        names.bind((LOOPBACK, 0))
        yield Cell(names, names_over_tcp, listener)


@contextlib.asynccontextmanager
async def running(**instructions: Any) -> AsyncIterator[tuple[Egress, Metrics]]:
    metrics = Metrics()
    egress = Egress({**INSTRUCTIONS, **instructions}, EgressSeen(metrics))
    try:
        yield egress, metrics
    finally:
        await egress.aclose()


def processes() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "toolcell_server.egress" in " ".join(child.cmdline())
    ]


async def until(happened: Callable[[], Any]) -> None:
    while not happened():  # noqa: ASYNC110  # nobody rings for what another process does
        await asyncio.sleep(0.01)


def restarts(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("toolcell_egress_deaths_total")


def test_it_is_started_when_the_first_cell_needs_it_and_ends_with_the_server(cell: Cell) -> None:
    """
    Whoever has no tool with domains has no such process.
    """

    async def scenario() -> tuple[list[int], list[str], list[str]]:
        async with running() as (egress, _):
            counts = [len(processes())]
            one, _other = await cell.attach(egress), await cell.attach(egress)
            counts.append(len(processes()))
            granted = await cell.address_of("a.example")
            denied = await cell.address_of("b.example")
            await egress.detach(one)
        counts.append(len(processes()))
        return counts, granted, denied

    counts, granted, denied = run(scenario())
    assert [0, 1, 0] == counts
    assert granted[0].startswith("198.18.")
    assert [] == denied


async def connect_and_read(address: tuple[str, int]) -> None:
    """
    One step for who expects a reset: it may come while we still connect.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as one:
        one.setblocking(False)
        await loop.sock_connect(one, address)
        await loop.sock_recv(one, 1)


def test_what_it_denies_is_heard(cell: Cell) -> None:
    """
    An address that stands for no name, here: the listener is on this host's own network.
    """

    async def scenario() -> None:
        async with running() as (egress, _):
            attachment = await cell.attach(egress)
            with pytest.raises(ConnectionResetError):
                await connect_and_read(cell.listener.getsockname())
            await until(lambda: cell.denials)
            await egress.detach(attachment)

    run(scenario())
    assert [(pb.WALL_NETWORK, "connect", "address_unnamed", pb.EVIDENCE_OBSERVED)] == [
        (each.wall, each.operation, each.reason, each.evidence) for each in cell.denials
    ]


def test_a_cell_whose_egress_died_hears_of_it_and_another_is_served(cell: Cell) -> None:
    """
    A budget that begins anew is none, so that cells are not taken over by the next process.
    """

    async def scenario() -> tuple[list[pb.HostContact], float | None, list[str], bool]:
        async with running() as (egress, metrics):
            attachment = await cell.attach(egress)
            [first] = processes()
            first.kill()
            await until(lambda: cell.denials)
            contacts = await egress.detach(attachment)
            count = restarts(metrics)
            attachment = await cell.attach(egress)
            [second] = processes()
            answer = await cell.address_of("a.example")
            await egress.detach(attachment)
            return contacts, count, answer, first.pid != second.pid

    contacts, count, answer, new = run(scenario())
    assert ([], 1.0, ["198.18.0.1"], True) == (contacts, count, answer, new)
    assert ["egress_died"] == [each.reason for each in cell.denials]


def test_a_process_that_nobody_needed_dies_without_a_word(cell: Cell) -> None:
    """
    Nobody has lost anything.
    """

    async def scenario() -> float | None:
        async with running() as (egress, metrics):
            await egress.detach(await cell.attach(egress))
            [first] = processes()
            first.kill()
            await until(lambda: not first.is_running())  # buried, not only dead
            await egress.detach(await cell.attach(egress))
            return restarts(metrics)

    assert run(scenario()) in (0.0, None)
    assert [] == cell.denials


@pytest.mark.parametrize("full", [False, True], ids=["it takes", "it takes nothing"])
def test_a_process_that_is_stuck_is_ended(
    cell: Cell, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    """
    A call ends in bounded time whatever became of the egress; to say so may be what is stuck.
    """
    monkeypatch.setattr(egress_process, "DETACH_SECONDS", 0.3)

    async def scenario() -> list[pb.HostContact]:
        async with running() as (egress, _):
            attachment = await cell.attach(egress)
            [first] = processes()
            first.send_signal(signal.SIGSTOP)
            others = [asyncio.create_task(cell.attach(egress)) for _ in range(1000 if full else 0)]
            await asyncio.sleep(0.2)
            contacts = await egress.detach(attachment)
            await asyncio.gather(*others, return_exceptions=True)
            await until(lambda: not first.is_running() or first.status() == "zombie")
            return contacts

    assert [] == run(scenario())


def test_a_cell_that_was_not_detached_does_not_end_the_next_process(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A call asks twice, lest it is cancelled in between; others are served by then.
    """
    monkeypatch.setattr(egress_process, "DETACH_SECONDS", 0.3)

    async def scenario() -> list[str]:
        async with running() as (egress, _):
            stuck = await cell.attach(egress)
            [first] = processes()
            first.send_signal(signal.SIGSTOP)
            await egress.detach(stuck)
            await until(lambda: not first.is_running())  # buried, not only dead
            await cell.attach(egress)
            await egress.detach(stuck)
            return await cell.address_of("a.example")

    assert ["198.18.0.1"] == run(scenario())


def test_a_process_that_cannot_start_is_the_callers_to_hear_of(cell: Cell) -> None:
    """
    The call is lost, and the service goes on.
    """
    before = len(os.listdir("/proc/self/fd"))

    async def scenario() -> None:
        async with running(ca_file="/nothing.pem") as (egress, _):
            with pytest.raises(EgressFailed, match="did not start"):
                await cell.attach(egress)

    run(scenario())
    assert [] == processes()
    assert before == len(os.listdir("/proc/self/fd"))


def test_a_cell_listens_once_at_each_port_in_their_order() -> None:
    """
    The cell and the egress count the listeners, and nothing else says which is which.
    """
    texts = ("a.example:8443", "b.example:443", "a.example:443")
    rules = tuple(Rule.parse(text) for text in texts)

    assert (443, 8443) == Grant(limits=Limits(), domains=rules).ports


def test_a_cell_that_only_reports_listens_where_others_are_usually_reached() -> None:
    """
    As far as there is room: the ports of its grant come first.
    """

    def ports(*numbers: int) -> tuple[int, ...]:
        rules = tuple(Rule.parse(f"a.example:{number}") for number in numbers)
        return Grant(limits=Limits(), domains=rules, report_only=True).ports

    many = range(1000, 1000 + MAXIMUM_PORTS)
    assert (80, 443, 8443) == ports(8443)
    assert (80, 443) == ports(443)
    assert (443, *many[1:]) == ports(*many[1:])
    assert tuple(many) == ports(*many)
