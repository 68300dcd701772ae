"""
The listeners of one cell: what it does to them costs other cells nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
import time
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import dns.message
from scripted_executor import run
from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.egress.accepting import Accepting
from toolcell_server.egress.attached import Attached
from toolcell_server.egress.budget import Budget, Contact
from toolcell_server.egress.cell_network import CellNetwork
from toolcell_server.egress.dialling import Dialler
from toolcell_server.egress.exchanging import FIRST_PIECE
from toolcell_server.egress.http_gate import HttpGate
from toolcell_server.egress.outside import Outside
from toolcell_server.egress.rules import Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest
    from toolcell_server.egress.addresses import Address
    from toolcell_server.egress.http_actions import Action

UPSTREAM = "127.0.0.2"
NAME, CONNECTIONS, BODY_BYTES = "a.example", 20, 256 * 1024


class Here:
    """
    The name leads to the upstream.
    """

    async def resolve(self, name: str) -> tuple[Address, ...]:
        assert name == NAME
        return (ip_address(UPSTREAM),)


@dataclass
class Turns(Budget):
    """
    A budget that counts the turns of everybody else, and remembers them whenever bytes go out.
    """

    turns: int = 0
    at_each_send: list[int] = field(default_factory=list)

    def send(self, contact: Contact, count: int) -> bool:
        self.at_each_send.append(self.turns)
        return super().send(contact, count)

    async def count(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def serving(
    listener: socket.socket, budget: Budget, tell: Callable[[Any], None]
) -> AsyncIterator[CellNetwork]:
    """
    A cell's network; in it our own loopback address stands for the name.
    """
    port = listener.getsockname()[1]
    cell = Attached(1, (Rule.parse(f"http://{NAME}:{port}"),), (), budget, tell)
    cell.names._names[LOOPBACK] = NAME
    outside = Outside(Dialler(Here(), (ip_network(UPSTREAM),)), ssl.create_default_context())
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sockets = [names, socket.create_server((LOOPBACK, 0)), listener]
    network = CellNetwork(cell, outside, sockets, [port])
    try:
        yield network
    finally:
        await network.aclose()


def test_a_cell_that_connects_all_the_time_leaves_everybody_else_their_turn() -> None:
    """
    What it has connected is handled, and held against its budget, while more is waiting.
    """
    listener = socket.create_server((LOOPBACK, 0), backlog=CONNECTIONS)
    held: list[int] = []

    async def scenario() -> None:
        ended = asyncio.Event()

        def tell(_: Any) -> None:
            held.append(len(network._accepting._connections))
            ended.set()

        async with serving(listener, Budget(0, 0, 0), tell) as network:
            await ended.wait()

    with contextlib.ExitStack() as opened:
        for _ in range(CONNECTIONS):
            opened.enter_context(socket.create_connection(listener.getsockname()))
        run(scenario())

    assert held[0] < CONNECTIONS


def test_all_cells_together_leave_descriptors_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    To hand over its listeners when there are none left would cut off everybody.
    """
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2 * CONNECTIONS, 2 * CONNECTIONS))
    held: list[socket.socket] = []

    async def hold(connection: socket.socket) -> None:
        held.append(connection)
        await asyncio.Event().wait()

    async def scenario() -> int:
        listeners = [socket.create_server((LOOPBACK, 0), backlog=CONNECTIONS) for _ in range(2)]
        cells = [Accepting([(listener, hold)]) for listener in listeners]
        with contextlib.ExitStack() as opened:
            for listener in listeners:
                for _ in range(CONNECTIONS // 2):
                    place = listener.getsockname()
                    opened.enter_context(socket.create_connection(place))
            await asyncio.sleep(0.2)
            count = len(held)
            for cell in cells:
                await cell.aclose()
        return count

    assert CONNECTIONS * 3 // 4 == run(scenario())
    assert all(each.fileno() == -1 for each in held)


def test_a_client_that_sends_all_the_time_leaves_everybody_else_their_turn() -> None:
    """
    All of its body is there to be read, and has room to be written.
    """
    budget = Turns(1000, 2**30, 2**30)
    listener = socket.create_server((LOOPBACK, 0))
    port = listener.getsockname()[1]
    upstream = socket.create_server((UPSTREAM, port))
    head = f"POST / HTTP/1.1\r\nHost: {NAME}:{port}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"

    async def scenario() -> None:
        counting = asyncio.create_task(budget.count())
        with upstream, socket.create_connection((LOOPBACK, port)) as client:
            client.sendall(head.encode() + b"x" * BODY_BYTES)
            async with serving(listener, budget, lambda _: None):
                while len(budget.at_each_send) < 4:  # noqa: ASYNC110  # turns are what is counted
                    await asyncio.sleep(0)
        counting.cancel()

    run(scenario())
    sends = budget.at_each_send[1:]  # the head and the first of the body came together
    assert sends == sorted(set(sends))


def test_of_one_cell_one_connection_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A body in chunks of one byte costs a thousand times what others cost: with many connections a
    cell would keep the loop for seconds, from others and from the order to end it.
    """
    budget, read = Turns(1000, 2**30, 2**30), []
    listener = socket.create_server((LOOPBACK, 0))
    port = listener.getsockname()[1]
    head = f"POST / HTTP/1.1\r\nHost: {NAME}:{port}\r\nTransfer-Encoding: chunked\r\n\r\n"

    def receive(gate: HttpGate, data: bytes) -> list[Action]:
        read.append((budget.turns, len(data)))
        return original(gate, data)

    original = HttpGate.receive_from_client
    monkeypatch.setattr(HttpGate, "receive_from_client", receive)

    async def scenario() -> None:
        counting = asyncio.create_task(budget.count())
        with contextlib.ExitStack() as opened:
            opened.enter_context(socket.create_server((UPSTREAM, port), backlog=CONNECTIONS))
            for _ in range(CONNECTIONS):
                client = opened.enter_context(socket.create_connection((LOOPBACK, port)))
                client.sendall(head.encode() + b"1\r\nx\r\n" * 10_000)
            async with serving(listener, budget, lambda _: None):
                while len(read) < 3 * CONNECTIONS:  # noqa: ASYNC110  # turns are what is counted
                    await asyncio.sleep(0)
        counting.cancel()

    run(scenario())
    turns = [turn for turn, _ in read]
    assert turns == sorted(set(turns))
    assert max(size for _, size in read) <= 2 * FIRST_PIECE  # the head was cheap


def test_who_asks_for_names_over_many_connections_is_answered_no_faster() -> None:
    """
    Connections for names are in no budget.
    """
    each, query = 60, dns.message.make_query("b.example", "A").to_wire()
    data = (len(query).to_bytes(2, "big") + query) * each

    async def scenario() -> float:
        listener = socket.create_server((LOOPBACK, 0))
        async with serving(listener, Budget(0, 0, 0), lambda _: None) as network:
            port = network._accepting._listeners[0].getsockname()[1]
            began = time.monotonic()
            await asyncio.gather(*(answered(port, data, each * len(query)) for _ in range(3)))
            return time.monotonic() - began

    assert run(scenario()) > 0.8


async def answered(port: int, data: bytes, least: int) -> None:
    """
    Ask, and read as much as the answers have at least.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(data)
    await reader.readexactly(least)
    writer.close()
