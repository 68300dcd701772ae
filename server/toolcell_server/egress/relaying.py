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
each connection is one canonical line there.  What policy only reports (`report_only`) is told
alike, and goes on under a rule that is lent to it; its line says `reported`, with the first reason
that would have denied it.

A proxy's client speaks plain HTTP where no tunnel is asked for, so what it says there is read as
HTTP also where the rule would have let anything pass.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_server.egress import exchanging
from toolcell_server.egress.dialling import NotDialled
from toolcell_server.egress.entrance import Way
from toolcell_server.egress.greeting import Greeting
from toolcell_server.egress.hearing_hello import hear_hello
from toolcell_server.egress.names import MAXIMUM_NAME, NotAName, normalised
from toolcell_server.egress.parting import close_by_reset
from toolcell_server.egress.rules import Protocol
from toolcell_server.egress.splicing import Spent, splice
from toolcell_server.egress.verdicts import NOTHING_CAME, Denied, Reason, Verdict

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.budget import Contact
    from toolcell_server.egress.entrance import Entrance
    from toolcell_server.egress.outside import Outside
    from toolcell_server.egress.rules import Rule


@dataclass(slots=True)
class Relay:
    """
    One connection of a cell to where its entrance leads.  `reported` is the first reason for which
    it would have been denied; `granted`: a rule names its host; `refused`: the last of its requests
    was.
    """

    cell: Attached
    outside: Outside
    inside: socket.socket
    entrance: Entrance
    host: str = ""
    address: str = ""
    reason: Reason = Reason.ADDRESS_UNNAMED
    reported: Reason | None = None
    granted: bool = True
    refused: bool = False
    contact: Contact | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    greeting: Greeting = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.greeting = Greeting(self.inside, self.entrance.way)

    @property
    def target(self) -> str:
        return f"{self.host}:{self.entrance.port}"

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
        try:
            self.host = normalised(asked.host)
        except NotAName:
            raise Denied(Reason.NOT_A_NAME) from None
        verdict = self.cell.decide_name(self.host, asked.port)
        self.granted = not verdict.reported
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
        alone = len(spoken) == 1 and not (spoken[0].pattern.wildcard or self.cell.report_only)
        return self.entrance.way is Way.FORWARD and not alone

    async def _hello(self, rule: Rule) -> bytes:
        """
        The first bytes of a client that says where it wants to.
        """
        hello, received = await hear_hello(self.inside, self.entrance.early)
        self.decide(self.cell.decide_hello(rule, self.host, hello))
        return received

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
        outside, address = await self.outside.dialler.dial(
            self.host, port, granted=self.granted, turn=self.cell.resolving
        )
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
        """
        Count bytes that go out; whether so many were left.
        """
        assert self.contact is not None
        self.sent_bytes += count
        return self.cell.budget.send(self.contact, count)

    def take_received(self, count: int) -> bool:
        """
        Count bytes that come in; whether so many were left.
        """
        assert self.contact is not None
        self.received_bytes += count
        return self.cell.budget.receive(self.contact, count)

    def _end(self, *, allowed: bool) -> None:
        if not (allowed or self.greeting.refused):
            close_by_reset(self.inside)
        self.inside.close()
        self._note(allowed=allowed)
        self._tell(self._verdict(allowed=allowed))

    def _note(self, *, allowed: bool) -> None:
        silent = self.refused or self.cell.budget.spent
        if self._verdict(allowed=allowed) == "denied" and not silent:
            self.cell.deny("connect", self.target, self.reason)

    def _verdict(self, *, allowed: bool) -> str:
        if self.reason in NOTHING_CAME:
            return "failed"
        if self.refused or not allowed:
            return "denied"
        return "allowed" if self.reported is None else "reported"

    def _tell(self, verdict: str) -> None:
        self.cell.tell(
            {
                "connection": {
                    "host": self.host,
                    "port": self.entrance.port,
                    "address": self.address,
                    "verdict": verdict,
                    "reason": self.reported if verdict == "reported" else self.reason,
                    "sent_bytes": self.sent_bytes,
                    "received_bytes": self.received_bytes,
                    "seconds": round(time.monotonic() - self.began, 6),
                }
            }
        )
