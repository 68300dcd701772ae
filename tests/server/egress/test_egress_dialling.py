"""
From a name to a connection: only to the addresses that were decided about.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
from egress.upstream import listening
from scripted_executor import run
from toolcell_server.battery.addresses import LOOPBACK, free_port
from toolcell_server.egress import dialling
from toolcell_server.egress.attached import NAMES_AT_ONCE, Attached
from toolcell_server.egress.budget import Budget
from toolcell_server.egress.dialling import (
    MAXIMUM_ADDRESSES,
    Dialler,
    NotDialled,
    own_addresses,
)
from toolcell_server.egress.resolving import Unresolved
from toolcell_server.egress.verdicts import Reason

if TYPE_CHECKING:
    from toolcell_server.egress.addresses import Address

ALLOWED = (ip_network("127.0.0.0/8"),)


@dataclass
class Fixed:
    """
    Resolves every name to these; a new answer each time, as a hostile name server does.
    """

    answers: list[tuple[str, ...]]
    times: int = 0

    async def resolve(self, name: str) -> tuple[Address, ...]:
        assert name
        self.times += 1
        return tuple(ip_address(text) for text in self.answers.pop(0))


class Silent:
    async def resolve(self, name: str) -> tuple[Address, ...]:
        raise Unresolved(f"nobody knows {name}")


def dialled(resolver: Any, port: int, private: Any = ALLOWED) -> str:
    """
    The address that was dialled, or the reason why none was.
    """

    async def scenario() -> str:
        try:
            one, address = await Dialler(resolver, private).dial("a.example", port)
        except NotDialled as exc:
            return str(exc.reason)
        with one:
            assert 0 == one.gettimeout()
            assert one.getpeername() == (str(address), port)
            return str(address)

    return run(scenario())


def test_the_address_that_was_decided_about_is_dialled() -> None:
    """
    A name that is asked for twice has two answers (DNS rebinding): it is asked for once.
    """
    resolver = Fixed([("127.0.0.1",), ("169.254.169.254",)])
    with listening() as (port, _):
        assert LOOPBACK == dialled(resolver, port)
    assert 1 == resolver.times


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    """
    Hosts have two for that reason.
    """
    with listening() as (port, _):
        assert LOOPBACK == dialled(Fixed([("127.0.0.2", "127.0.0.1")]), port)


DENIED: dict[str, tuple[tuple[str, ...], Reason]] = {
    "none": ((), Reason.NO_ADDRESS),
    "loopback": (("127.0.0.1",), Reason.ADDRESS_LOOPBACK),
    "a private one": (("10.0.0.1",), Reason.ADDRESS_PRIVATE),
    "metadata of a cloud": (("169.254.169.254",), Reason.ADDRESS_METADATA),
    "a public one and a private one": (("1.1.1.1", "10.0.0.1"), Reason.MIXED_ADDRESSES),
}


@pytest.mark.parametrize(("addresses", "reason"), DENIED.values(), ids=DENIED)
def test_nobody_is_dialled_without_the_operators_word(
    addresses: tuple[str, ...], reason: Reason
) -> None:
    """
    Whoever owns a name chooses where it leads.
    """
    with listening() as (port, said):
        assert reason == dialled(Fixed([addresses]), port, ())
        assert [] == said


def test_a_name_with_more_addresses_than_any_host_has_leads_nowhere() -> None:
    """
    All of them would be decided about, in one turn of the loop, and tried, for one connection.
    """
    many = tuple(str(ip_address(LOOPBACK) + number) for number in range(MAXIMUM_ADDRESSES + 1))
    with listening() as (port, said):
        assert Reason.UNRESOLVED == dialled(Fixed([many]), port)
        assert [] == said
        assert LOOPBACK == dialled(Fixed([many[:-1]]), port)


def test_a_cell_has_only_so_many_names_resolved_at_one_time() -> None:
    """
    Name servers that never answer keep threads of the host's resolver, which others need.
    """
    waiting: list[str] = []

    class Slow:
        async def resolve(self, name: str) -> tuple[Address, ...]:
            waiting.append(name)
            await asyncio.Event().wait()
            return ()

    async def scenario() -> None:
        dialler, cell = Dialler(Slow(), ()), Attached(1, [], [], Budget(1, 1, 1), lambda _: None)
        names = [f"n{number}.example" for number in range(NAMES_AT_ONCE + 5)]
        dials = [asyncio.create_task(dialler.dial(n, 443, turn=cell.resolving)) for n in names]
        other = asyncio.create_task(dialler.dial("other.example", 443))
        await asyncio.sleep(0.05)
        for each in (*dials, other):
            each.cancel()
        await asyncio.gather(*dials, other, return_exceptions=True)

    run(scenario())
    assert NAMES_AT_ONCE + 1 == len(waiting)
    assert "other.example" in waiting


def test_nobody_who_listens_is_unreachable() -> None:
    """
    That is no denial, and is not told as one.
    """
    assert Reason.UNREACHABLE == dialled(Fixed([("127.0.0.1",)]), free_port())


def test_a_name_that_cannot_be_resolved_is_unresolved() -> None:
    """
    As above.
    """
    assert Reason.UNRESOLVED == dialled(Silent(), 443)


def test_a_host_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A firewall that drops packets says nothing for minutes.
    """
    monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.2)
    with socket.socket() as full:
        full.bind((LOOPBACK, 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:  # more than the kernel queues: what comes then gets no answer
                one.setblocking(False)
                one.connect_ex(full.getsockname())

            assert Reason.UNREACHABLE == dialled(Fixed([("127.0.0.1",)]), full.getsockname()[1])
        finally:
            for one in waiting:
                one.close()


def test_the_hosts_own_addresses_are_known() -> None:
    """
    One of them may be public, and services listen there for the host alone.
    """
    assert ip_address(LOOPBACK) in own_addresses()


def test_an_address_of_the_host_itself_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A public address, but ours.
    """
    monkeypatch.setattr(dialling, "own_addresses", lambda: frozenset({ip_address("1.1.1.1")}))

    assert Reason.ADDRESS_OWN == dialled(Fixed([("1.1.1.1",)]), 443)
