"""
One cell as the egress sees it: its rules, its names, its budget, what it tells of itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.egress import report_only
from toolcell_server.egress.decide import decide_hello, decide_host, decide_name, decide_request
from toolcell_server.egress.stand_ins import StandIns
from toolcell_server.egress.verdicts import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell_server.egress.budget import Budget
    from toolcell_server.egress.client_hello import ClientHello
    from toolcell_server.egress.credentials import Credential
    from toolcell_server.egress.http_actions import Head
    from toolcell_server.egress.names import Pattern
    from toolcell_server.egress.rules import Rule

MAXIMUM_DENIALS: Final = 64  # arbitrary; different ones, of one execution; as many only reported
# Arbitrary; resolved for one cell at one time.  A name server may let each wait for as long as it
# likes, and the host's resolver has a thread for each (`resolving.THREADS`).
NAMES_AT_ONCE: Final = 8
NO_PORT: Final = 0  # no rule has it


@dataclass(slots=True, eq=False)
class Attached:
    """
    `tell(what)` tells the server; `denied` are patterns of the operator's policy; `credentials`
    are those that its rules name; `report_only`: what only the rules deny is let through and told.
    """

    number: int
    rules: Sequence[Rule]
    denied: Sequence[Pattern]
    budget: Budget
    tell: Callable[[dict[str, Any]], None]
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    report_only: bool = False
    names: StandIns = field(default_factory=StandIns)
    # Of its connections, for what takes the loop long: the others are served in between.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    resolving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(NAMES_AT_ONCE))
    # Apart: what is only reported must not hide what was denied.
    _told: dict[bool, set[tuple[str, str, str]]] = field(
        default_factory=lambda: {False: set(), True: set()}
    )

    def decide_to_resolve(self, name: str) -> Verdict:
        """
        Whether a name may be answered: it may be reached at some port.
        """
        verdict = decide_name(name, NO_PORT, self.rules, self.denied)
        if verdict.reason is Reason.PORT_NOT_GRANTED:  # so it is at another
            return Verdict(True, Reason.HOST_GRANTED)
        return report_only.relax_name(verdict, None) if self.report_only else verdict

    def decide_name(self, name: str, port: int) -> Verdict:
        """
        Whether a normalised name may be reached at a port.
        """
        verdict = decide_name(name, port, self.rules, self.denied)
        if not self.report_only or port not in report_only.ports(self.rules):
            return verdict
        return report_only.relax_name(verdict, report_only.lent(name, port, self.rules))

    def decide_hello(self, rule: Rule, name: str, hello: ClientHello) -> Verdict:
        """
        Whether a ClientHello says what it must.
        """
        sni = hello.server_name
        verdict = decide_hello(rule, name, sni, encrypted=hello.encrypted)
        if not self.report_only:
            return verdict
        return report_only.relax_hello(verdict, rule, sni, self.denied)

    def decide_host(self, rule: Rule, name: str, head: Head) -> Verdict:
        """
        Whether a request is for the host that it was let through for.
        """
        written = head.host if head.port is None else f"{head.host}:{head.port}"
        verdict = decide_host(rule, name, written)
        if not self.report_only:
            return verdict
        return report_only.relax_host(verdict, rule, head.host, self.denied)

    def decide_request(self, rule: Rule, head: Head) -> Verdict:
        """
        Whether a request asks for what it may.
        """
        verdict = decide_request(rule, head.method, head.target)
        return report_only.relax_request(verdict, rule) if self.report_only else verdict

    def deny(
        self, operation: str, target: str, reason: Reason, *, reported_only: bool = False
    ) -> None:
        """
        Tell a denial that was not told yet; `reported_only`: it is none, because policy only
        reports.
        """
        key, told = (operation, target, reason.value), self._told[reported_only]
        if key not in told and len(told) < MAXIMUM_DENIALS:
            told.add(key)
            what = {"operation": operation, "target": target, "reason": reason}
            self.tell({"denied": {**what, "reported_only": reported_only}})

    def tell_spent(self) -> None:
        """
        Tell that its budget is spent; the server ends it.
        """
        self.tell({"spent": self.budget.spent})

    def summary(self) -> list[dict[str, Any]]:
        """
        Every host that was reached, with what went there and came back.
        """
        return [
            {
                "host": host,
                "port": port,
                "connections": contact.connections,
                "sent_bytes": contact.sent_bytes,
                "received_bytes": contact.received_bytes,
            }
            for (host, port), contact in self.budget.contacts.items()
        ]
