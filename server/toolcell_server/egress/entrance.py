"""
Where a connection of a cell wants to, and by which way it came in.  Pure values.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Way(enum.Enum):
    """
    `ADDRESS`: to an address that stands for a name, in a network of the cell's own; what is denied
    is reset.  The others came through a proxy, whose client is told: `TUNNEL` by CONNECT, `FORWARD`
    by a request for a whole URL.
    """

    ADDRESS = enum.auto()
    TUNNEL = enum.auto()
    FORWARD = enum.auto()


@dataclass(frozen=True, slots=True)
class Entrance:
    """
    `host` is as the client had it, and empty if what it called stands for nothing.  `early` are
    bytes that it has sent already, for whoever is behind the proxy.  They may hold secrets.
    """

    host: str
    port: int
    way: Way = Way.ADDRESS
    early: bytes = field(default=b"", repr=False)
