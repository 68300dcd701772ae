"""
One connection out of a cell, from its acceptance to its end.

Theory of operation.  An entrance says which name and port is wanted: because the address that was
called stands for the name, or because a proxy was asked for it (`entrance`).  The rule for that
name and port says how the connection must speak:

    tls    its ClientHello is read and decided about before anybody is dialled, and then passed on
           as it came; nothing is ever decrypted
    http   each request is read, decided about and written anew (`exchanging`)
    tcp    nothing is looked at: a database speaks first, and in its own words

Whoever is denied is reset, so that the client fails at once and does not wait; who asked a proxy is
answered, as long as nothing else was.  What is denied, and why, the server is told; what became of
each connection is one canonical line there.

A proxy's client speaks plain HTTP where no tunnel is asked for, so what it says there is read as
HTTP also where the rule would have let anything pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.egress import exchanging
from toolcell_server.egress.client_hello import ClientHelloReader, Malformed, NotTls
from toolcell_server.egress.decide import decide_hello, decide_name
from toolcell_server.egress.dialling import NotDialled
from toolcell_server.egress.entrance import Way
from toolcell_server.egress.greeting import Greeting
from toolcell_server.egress.names import MAXIMUM_NAME, NotAName, normalised
from toolcell_server.egress.parting import close_by_reset
from toolcell_server.egress.rules import Protocol
from toolcell_server.egress.splicing import Spent, splice
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.budget import Contact
    from toolcell_server.egress.entrance import Entrance
    from toolcell_server.egress.outside import Outside
    from toolcell_server.egress.rules import Rule

HELLO_SECONDS: Final = 10.0  # arbitrary; from the connection to the whole ClientHello
READ_BYTES: Final = 16 * 1024
NOTHING_CAME: Final = (Reason.UNRESOLVED, Reason.UNREACHABLE)  # of what was not denied


class Denied(Exception):  # noqa: N818  # names what happened
    """
    Raised when a connection is denied; `reason` says why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Relay:
    """
    One connection of a cell to where its entrance leads.
    """

    cell: Attached
    outside: Outside
    inside: socket.socket
    entrance: Entrance
    host: str = ""
    address: str = ""
    reason: Reason = Reason.ADDRESS_UNNAMED
    contact: Contact | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    greeting: Greeting = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.greeting = Greeting(self.inside, self.entrance.way)

    async def run(self) -> None:
        """
        Relay until it has ended; tell how.  Whatever happens, the connection is closed.
        """
        allowed = True  # also if a side broke off, or the cell has ended
        try:
            await self._relay()
        except Spent:
            allowed = False
            self.reason = Reason.BUDGET_SPENT
            self.cell.tell_spent()
        except (Denied, NotDialled) as exc:
            allowed = False
            self.reason = exc.reason
            self._note(allowed=False)  # first: who hears no may end at once
            await self.greeting.refuse(exc.reason, denied=exc.reason not in NOTHING_CAME)
        except OSError:
            return
        finally:
            self._end(allowed=allowed)

    async def _relay(self) -> None:
        if not self.cell.budget.connect():  # first: what is denied is told, too, and has an end
            raise Spent
        rule = self._rule()
        if rule.protocol is Protocol.HTTP or self.entrance.way is Way.FORWARD:
            await self.greeting.welcome()
            await exchanging.exchange(self, rule)
            return
        first = self.entrance.early
        if rule.protocol is Protocol.TLS:
            await self.greeting.welcome()  # or there will be no hello
            first = await self._hello(rule)
        with await self.dial(rule.port) as outside:
            await self.greeting.welcome()
            await self.send(outside, first)
            await splice(self.inside, outside, self.take_sent, self.take_received)

    def _rule(self) -> Rule:
        asked = self.entrance
        self.host = asked.host[:MAXIMUM_NAME]
        if not asked.host:
            raise Denied(Reason.ADDRESS_UNNAMED)
        with contextlib.suppress(NotAName):  # which is what will be decided
            self.host = normalised(asked.host)
        verdict = decide_name(asked.host, asked.port, self.cell.rules, self.cell.denied)
        self.decide(verdict)
        assert verdict.rule is not None
        if asked.way is Way.FORWARD and verdict.rule.protocol is Protocol.TLS:
            raise Denied(Reason.NOT_TLS)
        return verdict.rule

    @property
    def one_request(self) -> bool:
        """
        Whether a connection carries one request only.  Clients take a connection to a proxy for one
        to every host: it is kept only where a cell has one host to speak plain HTTP to.
        """
        spoken = [rule for rule in self.cell.rules if rule.protocol is not Protocol.TLS]
        alone = len(spoken) == 1 and not spoken[0].pattern.wildcard
        return self.entrance.way is Way.FORWARD and not alone

    async def _hello(self, rule: Rule) -> bytes:
        """
        The first bytes of a client that says where it wants to.
        """
        reader, hello = ClientHelloReader(), None
        loop, early = asyncio.get_running_loop(), self.entrance.early
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                while hello is None:
                    data, early = early or await loop.sock_recv(self.inside, READ_BYTES), b""
                    if not data:
                        raise Denied(Reason.MALFORMED)
                    hello = reader.feed(data)
        except TimeoutError:
            raise Denied(Reason.TOO_SLOW) from None
        except NotTls:
            raise Denied(Reason.NOT_TLS) from None
        except Malformed:
            raise Denied(Reason.MALFORMED) from None
        self.decide(decide_hello(rule, self.host, hello.server_name, encrypted=hello.encrypted))
        return reader.received

    def decide(self, verdict: Verdict) -> None:
        """
        Go on if it is allowed.

        Raises:
            Denied: it is not.
        """
        if not verdict.allowed:
            raise Denied(verdict.reason)
        self.reason = verdict.reason

    async def dial(self, port: int) -> socket.socket:
        """
        A connection to the host.

        Raises:
            NotDialled: there is none.
        """
        outside, address = await self.outside.dialler.dial(self.host, port)
        self.address = str(address)
        self.contact = self.cell.budget.contact(self.host, self.entrance.port)
        self.contact.connections += 1
        return outside

    async def send(self, outside: socket.socket, data: bytes) -> None:
        """
        Send bytes that count.

        Raises:
            Spent: so many were not left.
        """
        if not self.take_sent(len(data)):
            raise Spent
        await asyncio.get_running_loop().sock_sendall(outside, data)

    def take_sent(self, count: int) -> bool:
        assert self.contact is not None
        self.sent_bytes += count
        return self.cell.budget.send(self.contact, count)

    def take_received(self, count: int) -> bool:
        assert self.contact is not None
        self.received_bytes += count
        return self.cell.budget.receive(self.contact, count)

    def _end(self, *, allowed: bool) -> None:
        if not (allowed or self.greeting.refused):
            close_by_reset(self.inside)
        self.inside.close()
        self._note(allowed=allowed)
        self._tell(allowed=allowed)

    def _note(self, *, allowed: bool) -> None:
        if self._verdict(allowed=allowed) == "denied" and not self.cell.budget.spent:
            self.cell.deny("connect", f"{self.host}:{self.entrance.port}", self.reason)

    def _verdict(self, *, allowed: bool) -> str:
        if self.reason in NOTHING_CAME:
            return "failed"
        return "allowed" if allowed else "denied"

    def _tell(self, *, allowed: bool) -> None:
        self.cell.tell(
            {
                "connection": {
                    "host": self.host,
                    "port": self.entrance.port,
                    "address": self.address,
                    "verdict": self._verdict(allowed=allowed),
                    "reason": self.reason,
                    "sent_bytes": self.sent_bytes,
                    "received_bytes": self.received_bytes,
                    "seconds": round(time.monotonic() - self.began, 6),
                }
            }
        )
