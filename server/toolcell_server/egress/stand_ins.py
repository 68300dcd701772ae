"""
Addresses that stand for names in one cell.  Pure.

Each granted name that a cell asks for gets an address of 198.18.0.0/15 (RFC 2544), which is routed
nowhere but is local in the cell's network.  A connection to it tells the name.  Nothing else does:
an address that was never given out stands for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

FIRST: Final = int(IPv4Address("198.18.0.1"))
MAXIMUM_NAMES: Final = 1024  # arbitrary; a wildcard has names without end


@dataclass(slots=True)
class StandIns:
    """
    The names of one cell and their addresses, each given once and for good.
    """

    _addresses: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def address_of(self, name: str) -> str | None:
        """
        The address of a name, given out now if it has none; nothing if too many were.
        """
        if name not in self._addresses:
            if len(self._addresses) >= MAXIMUM_NAMES:
                return None
            address = str(IPv4Address(FIRST + len(self._addresses)))
            self._addresses[name] = address
            self._names[address] = name
        return self._addresses[name]

    def name_of(self, address: str) -> str | None:
        """
        The name that an address stands for.
        """
        return self._names.get(address)
