"""
Plain HTTP out of a cell: requests are decided about one by one, and credentials are added.

Theory of operation.  The gate (`http_gate`) says what to do with each byte; here it is done.  Two
tasks read, one from either side, and each writes what comes of it, so that a server that answers
before it has read everything holds nobody up.  The server is dialled when the first request is
allowed, over TLS if a credential is to be added: it must not cross a network in the clear.

asyncio reads 256 KiB at a time from a server, and stops reading while more than twice the `limit`
of its StreamReader waits: with the usual 64 KiB that is after each read.  Measured, on two cores,
1 GB over loopback: 2.9 s of processor time with 64 KiB here and there, 1.2 s with 128.

What a byte costs the sender chooses: 128 KiB in chunks of one byte each take a quarter of a second.
So what was read goes to the gate in pieces, smaller ones where they are costly, and of one cell one
piece at a time (`Attached.turn`).  64 connections that send such bodies kept the loop from all else
for 1.1 s at a time before, and for 0.08 s since.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.dialling import NotDialled
from toolcell_server.egress.greeting import BAD_GATEWAY, REFUSED
from toolcell_server.egress.http_actions import Ask, Close, ToClient, ToServer
from toolcell_server.egress.http_gate import HttpGate
from toolcell_server.egress.parting import read_last_words
from toolcell_server.egress.splicing import Spent
from toolcell_server.egress.verdicts import NOTHING_CAME, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from toolcell_server.egress.credentials import Credential
    from toolcell_server.egress.http_actions import Action, Head
    from toolcell_server.egress.http_secrets import Secret
    from toolcell_server.egress.relaying import Relay
    from toolcell_server.egress.rules import Rule

READ_BYTES: Final = 128 * 1024  # of either side; larger ones save little
FIRST_PIECE, SMALLEST_PIECE = 16 * 1024, 4 * 1024  # arbitrary; the latter may take 8 ms
COSTLY_SECONDS: Final = 0.002  # arbitrary; for a piece


class _Closed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the gate has ended the connection.
    """


async def exchange(relay: Relay, rule: Rule) -> None:
    """
    Relay the requests of one connection until either side ends it.

    Raises:
        Spent: the budget is.
        OSError: a side broke off.
    """
    relay.inside.setblocking(False)
    one = _Exchange(relay, rule)
    try:
        await one.run()
    except _Closed:
        await read_last_words(relay.inside)
    finally:
        one.close()


class _Exchange:
    """
    One connection: the gate, and the server once it is dialled.
    """

    def __init__(self, relay: Relay, rule: Rule) -> None:
        self._relay = relay
        self._rule = rule
        self._gate = HttpGate(one_request=relay.one_request)
        self._requests = 0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._dialled = asyncio.Event()
        self._wanted = asyncio.Event()  # whether the gate wants more of the client
        self._piece = FIRST_PIECE

    async def run(self) -> None:
        both = [asyncio.create_task(self._from_client()), asyncio.create_task(self._from_server())]
        try:
            await asyncio.gather(*both)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    async def _from_client(self) -> None:
        loop, inside = asyncio.get_running_loop(), self._relay.inside
        early = self._relay.entrance.early
        while True:
            data, early = early or await loop.sock_recv(inside, READ_BYTES), b""
            await self._take(self._gate.receive_from_client, data)
            if not data:
                return
            while not self._gate.reads_client:
                self._wanted.clear()
                await self._wanted.wait()

    async def _from_server(self) -> None:
        await self._dialled.wait()
        assert self._reader is not None
        while True:
            data = await self._reader.read(READ_BYTES)
            if not self._relay.take_received(len(data)):
                raise Spent
            await self._take(self._gate.receive_from_server, data)
            self._wanted.set()
            if not data:
                return

    async def _take(self, receive: Callable[[bytes], Sequence[Action]], data: bytes) -> None:
        """
        Give the gate what was read, and do what it says.
        """
        while True:
            piece, data = data[: self._piece], data[self._piece :]
            async with self._relay.cell.turn:
                await asyncio.sleep(0)  # whoever always has more keeps nobody else waiting
                began = time.perf_counter()
                actions = receive(piece)
                costly = time.perf_counter() - began > COSTLY_SECONDS
            larger, smaller = self._piece * 2, self._piece // 2
            self._piece = max(smaller, SMALLEST_PIECE) if costly else min(larger, READ_BYTES)
            await self._do(actions)
            if not data:
                return

    async def _do(self, actions: Sequence[Action]) -> None:
        loop = asyncio.get_running_loop()
        for action in actions:
            match action:
                case ToServer(data):
                    await self._write(data)
                case ToClient(data):
                    await loop.sock_sendall(self._relay.inside, data)
                case Ask(head):
                    await self._do(await self._decide(head))
                case Close():
                    raise _Closed

    async def _write(self, data: bytes) -> None:
        assert self._writer is not None
        if not self._relay.take_sent(len(data)):
            raise Spent
        self._writer.write(data)
        await self._writer.drain()

    async def _decide(self, head: Head) -> list[Action]:
        self._requests += 1
        if self._requests > 1 and not self._relay.cell.budget.connect():
            raise Spent
        for verdict in self._verdicts(head):
            if not verdict.allowed:
                return self._refuse(verdict.reason)
            self._relay.go_on("request", verdict)
        if self._writer is None:
            try:
                await self._dial()
            except NotDialled as exc:
                return self._refuse(exc.reason)
        async with self._relay.cell.turn:  # of the body there may be something already
            await asyncio.sleep(0)
            return self._gate.allow(self._added())

    def _verdicts(self, head: Head) -> Iterator[Verdict]:
        """
        In the order in which they speak; the first that denies is the last.
        """
        cell = self._relay.cell
        yield cell.decide_host(self._rule, self._relay.host, head)
        yield cell.decide_request(self._rule, head)
        if self._rule.credential and self._credential() is None:
            yield Verdict.denied(Reason.CREDENTIAL_NOT_GRANTED)

    def _credential(self) -> Credential | None:
        """
        What the rule names, if the operator lets it go to this host.
        """
        credential = self._relay.cell.credentials.get(self._rule.credential)
        if credential is None or not credential.may_go_to(self._relay.host):
            return None
        return credential

    def _refuse(self, reason: Reason) -> list[Action]:
        relay, passing = self._relay, reason in NOTHING_CAME
        relay.reason = reason
        relay.refused = not passing
        if not passing:
            relay.cell.deny("request", relay.target, reason)
        return self._gate.refuse(BAD_GATEWAY if passing else REFUSED, reason)

    def _added(self) -> list[tuple[str, Secret]]:
        credential = self._credential()
        return [] if credential is None else [(credential.header, credential.value)]

    async def _dial(self) -> None:
        secure = bool(self._rule.credential)
        outside = await self._relay.dial(self._rule.upstream_port if secure else self._rule.port)
        try:
            self._reader, self._writer = await asyncio.open_connection(
                sock=outside,
                limit=READ_BYTES,
                ssl=self._relay.outside.tls if secure else None,
                server_hostname=self._relay.host if secure else None,
            )
        except OSError as exc:
            outside.close()
            doubtful = isinstance(exc, ssl.SSLCertVerificationError)
            reason = Reason.NOT_TRUSTED if doubtful else Reason.UNREACHABLE
            raise NotDialled(reason, str(exc)) from exc
        self._dialled.set()
