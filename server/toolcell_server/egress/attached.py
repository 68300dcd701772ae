"""
One cell as the egress sees it: its rules, its names, its budget, what it tells of itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.egress.decide import decide_name
from toolcell_server.egress.stand_ins import StandIns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell_server.egress.budget import Budget
    from toolcell_server.egress.credentials import Credential
    from toolcell_server.egress.names import Pattern
    from toolcell_server.egress.rules import Rule
    from toolcell_server.egress.verdicts import Reason, Verdict

MAXIMUM_DENIALS: Final = 64  # arbitrary; different ones, of one execution


@dataclass(slots=True, eq=False)
class Attached:
    """
    `tell(what)` tells the server; `denied` are patterns of the operator's policy; `credentials`
    are those that its rules name.
    """

    number: int
    rules: Sequence[Rule]
    denied: Sequence[Pattern]
    budget: Budget
    tell: Callable[[dict[str, Any]], None]
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    names: StandIns = field(default_factory=StandIns)
    _told: set[tuple[str, str, str]] = field(default_factory=set)

    def decide_to_name(self, name: str) -> Verdict:
        """
        Whether a name may be answered: it may be reached at some port.
        """
        verdicts = [decide_name(name, rule.port, self.rules, self.denied) for rule in self.rules]
        allowed = next((verdict for verdict in verdicts if verdict.allowed), None)
        return allowed or decide_name(name, 0, self.rules, self.denied)

    def deny(self, operation: str, target: str, reason: Reason) -> None:
        """
        Tell a denial that was not told yet.
        """
        key = (operation, target, reason.value)
        if key not in self._told and len(self._told) < MAXIMUM_DENIALS:
            self._told.add(key)
            self.tell({"denied": {"operation": operation, "target": target, "reason": reason}})

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
