"""
What one execution may use of the network, and what it has used.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Contact:
    """
    What went to and came from one host and port.
    """

    connections: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0


@dataclass(slots=True)
class Budget:
    """
    `connections` and bytes each way that are left.  Attempts count, whatever came of them, or
    there would be no end to them.  `spent` names the limit that is, and is empty before.
    """

    connections: int
    sent_bytes: int
    received_bytes: int
    contacts: dict[tuple[str, int], Contact] = field(default_factory=dict)
    spent: str = ""

    def connect(self) -> bool:
        """
        Take one connection, or one request; whether there was one left.
        """
        self.connections -= 1
        if self.connections < 0:
            self.spent = self.spent or "connections"
        return not self.spent

    def contact(self, host: str, port: int) -> Contact:
        """
        The account of a host that was reached.
        """
        return self.contacts.setdefault((host, port), Contact())

    def send(self, contact: Contact, count: int) -> bool:
        """
        Take bytes that go out; whether so many were left.
        """
        contact.sent_bytes += count
        self.sent_bytes -= count
        if self.sent_bytes < 0:
            self.spent = self.spent or "network"
        return not self.spent

    def receive(self, contact: Contact, count: int) -> bool:
        """
        Take bytes that come in; whether so many were left.
        """
        contact.received_bytes += count
        self.received_bytes -= count
        if self.received_bytes < 0:
            self.spent = self.spent or "network"
        return not self.spent
