"""
Bytes from one connection to another: all of them, in order, counted, and no more than granted.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from scripted_executor import SOON, run
from toolcell_server.egress.splicing import LARGEST, SMALLEST, Spent, splice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Meter:
    """
    Grants so many bytes and counts them.
    """

    def __init__(self, granted: int = 2**30) -> None:
        self.granted = granted
        self.taken = 0

    def take(self, count: int) -> bool:
        self.taken += count
        return self.taken <= self.granted


@contextlib.contextmanager
def pairs() -> Iterator[tuple[socket.socket, ...]]:
    """
    Client and inside, outside and server: two connections over TCP.
    """
    with contextlib.ExitStack() as opened:
        found = []
        for _ in range(2):
            listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            near = opened.enter_context(socket.create_connection(listener.getsockname()))
            far = opened.enter_context(listener.accept()[0])
            found += [near, far]
        for one in found:
            one.setblocking(False)
        yield tuple(found)


async def read_all(one: socket.socket) -> bytes:
    loop, data = asyncio.get_running_loop(), bytearray()
    while part := await loop.sock_recv(one, 65536):
        data += part
    return bytes(data)


def test_all_bytes_arrive_in_order_and_are_counted_each_way() -> None:
    """
    More than any buffer on the way holds, in both directions at once.
    """
    up, down = bytes(range(256)) * 8192, b"answer" * 100_000
    sent, received = Meter(), Meter()

    async def scenario() -> tuple[bytes, bytes]:
        loop = asyncio.get_running_loop()
        with pairs() as (client, inside, outside, server):

            async def say(one: socket.socket, data: bytes) -> None:
                await loop.sock_sendall(one, data)
                one.shutdown(socket.SHUT_WR)

            _, _, _, heard, answered = await asyncio.gather(
                splice(inside, outside, sent.take, received.take),
                say(client, up),
                say(server, down),
                read_all(server),
                read_all(client),
            )
            return heard, answered

    assert (up, down) == run(scenario())
    assert (len(up), len(down)) == (sent.taken, received.taken)


def test_the_end_of_one_side_leaves_the_other_its_say() -> None:
    """
    A client that has sent all and closed its half still waits for the answer.
    """

    async def scenario() -> bytes:
        loop = asyncio.get_running_loop()
        with pairs() as (client, inside, outside, server):
            splicing = asyncio.create_task(splice(inside, outside, Meter().take, Meter().take))
            client.shutdown(socket.SHUT_WR)
            assert b"" == await read_all(server)
            await loop.sock_sendall(server, b"late")
            server.shutdown(socket.SHUT_WR)
            answered = await read_all(client)
            await splicing
            return answered

    assert b"late" == run(scenario())


@pytest.mark.parametrize("way", ["sent", "received"])
def test_nothing_is_passed_on_once_the_budget_is_spent(way: str) -> None:
    """
    Whole reads are passed on or not at all: what is over the budget is not sent in part.
    """

    async def scenario() -> bytes:
        loop = asyncio.get_running_loop()
        with pairs() as (client, inside, outside, server):
            source, target = (client, server) if way == "sent" else (server, client)
            meters = {"sent": Meter(), "received": Meter(), way: Meter(granted=10)}
            splicing = asyncio.create_task(
                splice(inside, outside, meters["sent"].take, meters["received"].take)
            )
            await loop.sock_sendall(source, b"x" * 10)
            first = await loop.sock_recv(target, 100)
            await loop.sock_sendall(source, b"y")
            with pytest.raises(Spent):
                await splicing
            inside.close()
            outside.close()
            return first + await read_all(target)

    assert b"x" * 10 == run(scenario())


def test_a_side_that_breaks_off_ends_both() -> None:
    """
    A connection of which only one half is left would be held for nobody.
    """

    async def scenario() -> None:
        with pairs() as (client, inside, outside, server):
            splicing = asyncio.create_task(splice(inside, outside, Meter().take, Meter().take))
            reset(server)
            with pytest.raises(OSError, match="reset"):
                await splicing
            assert client.fileno() >= 0

    run(scenario())


def test_a_peer_that_does_not_read_makes_the_other_wait() -> None:
    """
    What is not taken is not read, so that nobody's memory is filled by a stranger.
    """
    sent = Meter()

    async def scenario() -> bool:
        loop = asyncio.get_running_loop()
        with pairs() as (client, inside, outside, _server):
            splicing = asyncio.create_task(splice(inside, outside, sent.take, Meter().take))
            flood = asyncio.create_task(loop.sock_sendall(client, b"x" * 2**26))
            settled = await settles(lambda: sent.taken)
            waiting = not flood.done()
            for task in (flood, splicing):
                task.cancel()
            await asyncio.gather(flood, splicing, return_exceptions=True)
            return settled and waiting

    assert run(scenario())
    assert LARGEST < sent.taken < 2**26


def test_two_fast_peers_leave_everybody_else_their_turn() -> None:
    """
    All of it is there to be read, and has room to be written: nothing on the way waits by itself.
    """
    turns, at_each_pass, enough = 0, [], asyncio.Event()

    def take(_: int) -> bool:
        at_each_pass.append(turns)
        if len(at_each_pass) == 3:
            enough.set()
        return True

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scenario() -> None:
        with pairs() as (client, inside, outside, _server):
            assert 8 * SMALLEST == client.send(b"x" * 8 * SMALLEST)
            client.shutdown(socket.SHUT_WR)
            splicing = asyncio.create_task(splice(inside, outside, take, Meter().take))
            counting = asyncio.create_task(others())
            await enough.wait()
            for task in (counting, splicing):
                task.cancel()
            await asyncio.gather(counting, splicing, return_exceptions=True)

    run(scenario())
    assert at_each_pass == sorted(set(at_each_pass))


async def settles(value: Callable[[], int]) -> bool:
    """
    Wait until a number does not change any more.
    """
    before = -1
    while before != value():
        before = value()
        await asyncio.sleep(4 * SOON)
    return True


def reset(one: socket.socket) -> None:
    at_once = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    one.close()
