"""
One connection out of a cell, from its acceptance to its end.

Theory of operation.  The address that was called stands for a name; the rule for that name and port
says how the connection must speak:

    tls    its ClientHello is read and decided about before anybody is dialled, and then passed on
           as it came; nothing is ever decrypted
    http   each request is read, decided about and written anew (`exchanging`)
    tcp    nothing is looked at: a database speaks first, and in its own words

Whoever is denied is reset, so that the client fails at once and does not wait.  What is denied, and
why, the server is told; what became of each connection is one canonical line there.  What policy
only reports (`report_only`) is told alike, and goes on under a rule that is lent to it; its line
says `reported`, with the first reason that would have denied it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.egress import exchanging
from toolcell_server.egress.client_hello import ClientHelloReader, Malformed, NotTls
from toolcell_server.egress.dialling import NotDialled
from toolcell_server.egress.rules import Protocol
from toolcell_server.egress.splicing import Spent, splice
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.budget import Contact
    from toolcell_server.egress.outside import Outside
    from toolcell_server.egress.rules import Rule

HELLO_SECONDS: Final = 10.0  # arbitrary; from the connection to the whole ClientHello
READ_BYTES: Final = 16 * 1024
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: close by a reset


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
    One connection of a cell to `port` of whatever it has called.  `reported` is the first reason
    for which it would have been denied; `granted`: a rule names its host; `refused`: the last of
    its requests was.
    """

    cell: Attached
    outside: Outside
    inside: socket.socket
    port: int
    host: str = ""
    address: str = ""
    reason: Reason = Reason.ADDRESS_UNNAMED
    reported: Reason | None = None
    granted: bool = True
    refused: bool = False
    contact: Contact | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}"

    async def run(self) -> None:
        """
        Relay until it has ended; tell how.  Whatever happens, the connection is closed.
        """
        allowed = False
        try:
            await self._relay()
            allowed = True
        except Spent:
            self.reason = Reason.BUDGET_SPENT
            self.cell.tell_spent()
        except (Denied, NotDialled) as exc:
            self.reason = exc.reason
        except OSError:  # a side broke off: no denial
            allowed = True
        finally:
            self._end(allowed=allowed)

    async def _relay(self) -> None:
        if not self.cell.budget.connect():  # first: what is denied is told, too, and has an end
            raise Spent
        rule = self._rule()
        if rule.protocol is Protocol.HTTP:
            await exchanging.exchange(self, rule)
            return
        first = await self._hello(rule) if rule.protocol is Protocol.TLS else b""
        with await self.dial(rule.port) as outside:
            await self.send(outside, first)
            await splice(self.inside, outside, self.take_sent, self.take_received)

    def _rule(self) -> Rule:
        name = self.cell.names.name_of(self.inside.getsockname()[0])
        if name is None:
            raise Denied(Reason.ADDRESS_UNNAMED)
        self.host = name
        verdict = self.cell.decide_name(name, self.port)
        self.granted = not verdict.reported
        self.decide(verdict)
        assert verdict.rule is not None
        return verdict.rule

    async def _hello(self, rule: Rule) -> bytes:
        """
        The first bytes of a client that says where it wants to.
        """
        reader, hello = ClientHelloReader(), None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                while hello is None:
                    data = await loop.sock_recv(self.inside, READ_BYTES)
                    if not data:
                        raise Denied(Reason.MALFORMED)
                    hello = reader.feed(data)
        except TimeoutError:
            raise Denied(Reason.TOO_SLOW) from None
        except NotTls:
            raise Denied(Reason.NOT_TLS) from None
        except Malformed:
            raise Denied(Reason.MALFORMED) from None
        self.decide(self.cell.decide_hello(rule, self.host, hello))
        return reader.received

    def decide(self, verdict: Verdict) -> None:
        """
        Go on if it is allowed.

        Raises:
            Denied: it is not.
        """
        if not verdict.allowed:
            raise Denied(verdict.reason)
        self.go_on("connect", verdict)

    def go_on(self, operation: str, verdict: Verdict) -> None:
        """
        Remember why it is allowed, and tell if that is only reported.
        """
        self.reason = verdict.reason
        if verdict.reported:
            self.reported = self.reported or verdict.reason
            self.cell.deny(operation, self.target, verdict.reason, reported_only=True)

    async def dial(self, port: int) -> socket.socket:
        """
        A connection to the host.

        Raises:
            NotDialled: there is none.
        """
        outside, address = await self.outside.dialler.dial(self.host, port, granted=self.granted)
        self.address = str(address)
        self.contact = self.cell.budget.contact(self.host, self.port)
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
        if not allowed:
            with contextlib.suppress(OSError):
                self.inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.inside.close()
        verdict = self._verdict(allowed=allowed)
        if verdict == "denied" and not (self.refused or self.cell.budget.spent):
            self.cell.deny("connect", self.target, self.reason)
        self._tell(verdict)

    def _verdict(self, *, allowed: bool) -> str:
        if self.reason in (Reason.UNRESOLVED, Reason.UNREACHABLE):
            return "failed"
        if self.refused or not allowed:
            return "denied"
        return "allowed" if self.reported is None else "reported"

    def _tell(self, verdict: str) -> None:
        self.cell.tell(
            {
                "connection": {
                    "host": self.host,
                    "port": self.port,
                    "address": self.address,
                    "verdict": verdict,
                    "reason": self.reported if verdict == "reported" else self.reason,
                    "sent_bytes": self.sent_bytes,
                    "received_bytes": self.received_bytes,
                    "seconds": round(time.monotonic() - self.began, 6),
                }
            }
        )
