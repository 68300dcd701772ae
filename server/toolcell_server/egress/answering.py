"""
Answers the names that one cell asks for, over UDP and TCP, from its rules alone.

Nothing is sent upstream here: a granted name is answered with an address that stands for it, any
other is refused, or reported and answered alike (`report_only`).  How often a cell asks is its own
to decide, and others are served on the same loop; hence a pace.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from toolcell_server.egress import dns, dns_answers, dns_framing
from toolcell_server.pace import Pace

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.dns import Question

QUERY_BYTES: Final = 4096  # what is longer is cut, and malformed
LIFETIME_SECONDS: Final = 60  # arbitrary; an address stands for its name as long as the cell lives
IN_A_ROW: Final = 16
TCP_SECONDS: Final = 10.0  # arbitrary; how long a connection may say nothing


def answer(message: bytes, cell: Attached) -> bytes | None:
    """
    The answer to one message; nothing to what has not even a number.
    """
    try:
        question = dns.parse(message)
    except dns.Malformed as exc:
        number = exc.message_id
        return None if number is None else dns_answers.malformed(number)
    return _answer(question, cell)


def _answer(question: Question, cell: Attached) -> bytes:
    verdict = cell.decide_to_resolve(question.name)
    if not verdict.allowed:
        cell.deny("resolve", question.name, verdict.reason)
        return dns_answers.refused_name(question)
    if verdict.reported:
        cell.deny("resolve", question.name, verdict.reason, reported_only=True)
    if question.type != dns.A:
        return dns_answers.empty(question)
    address = cell.names.address_of(question.name)
    if address is None:
        return dns_answers.failed(question)
    return dns_answers.address(question, address, LIFETIME_SECONDS)


class Answering:
    """
    Answers datagrams until it is closed.
    """

    def __init__(self, receiver: socket.socket, cell: Attached) -> None:
        receiver.setblocking(False)
        self._receiver = receiver
        self._cell = cell
        self._pace = Pace(burst=256, per_second=1000)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._receiver)
        self._receiver.close()

    def _listen(self) -> None:
        self._timer = None
        self._loop.add_reader(self._receiver, self._readable)

    def _readable(self) -> None:
        for _ in range(IN_A_ROW):
            try:
                message, sender = self._receiver.recvfrom(QUERY_BYTES)
            except OSError:
                return
            found = answer(message, self._cell)
            if found is not None:
                with contextlib.suppress(OSError):  # whoever does not read has no answer
                    self._receiver.sendto(found, sender)
            if wait := self._pace.take(time.monotonic()):
                self._loop.remove_reader(self._receiver)
                self._timer = self._loop.call_later(wait, self._listen)
                return


def pace_over_tcp() -> Pace:
    """
    Of all connections of one cell together, which may open new ones as it likes.
    """
    return Pace(burst=64, per_second=100)


async def answer_over_tcp(connection: socket.socket, cell: Attached, pace: Pace) -> None:
    """
    Answer the queries of one connection (RFC 7766) until it ends, says nothing, or what no name
    server understands.
    """
    loop, framing = asyncio.get_running_loop(), dns_framing.Framing()
    with contextlib.suppress(OSError, TimeoutError, dns.Malformed):
        while True:
            async with asyncio.timeout(TCP_SECONDS):
                data = await loop.sock_recv(connection, QUERY_BYTES)
            if not data:
                return
            for message in framing.feed(data):
                if (found := answer(message, cell)) is not None:
                    await loop.sock_sendall(connection, dns_framing.framed(found))
                await asyncio.sleep(pace.take(time.monotonic()))
