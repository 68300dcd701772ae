"""
Where calls come from: networks, and what a transport says of its peer.  Pure.

A peer is named as gRPC names it: `ipv4:127.0.0.1:5555`, `ipv6:%5B::1%5D:5555`, `unix:/run/x`.
https://grpc.github.io/grpc/core/md_doc_naming.html
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

UNIX: Final = "unix"
REMEDY: Final = 'write a network, "10.0.0.0/8" or "fd00::/8", or "unix"'
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LONGEST: Final = 256


class NotAnOrigin(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a text names no network.
    """


@dataclass(frozen=True, slots=True)
class Origins:
    """
    Some networks, and perhaps the sockets of this host's file system.
    """

    networks: tuple[_Network, ...]
    unix: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """
        Raises:
            NotAnOrigin: one of them names no network, or has bits of a host in it.
        """
        networks, unix = list[_Network](), False
        for text in texts:
            if text == UNIX:
                unix = True
                continue
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError as exc:
                raise NotAnOrigin(f"{text!r} is no network ({exc})") from None
        return cls(tuple(networks), unix)

    def include(self, origin: str) -> bool:
        """
        Whether a peer comes from one of them.  One whose place is not known does not.
        """
        if self.unix and origin.startswith("unix:"):
            return True
        address = _address(origin)
        return address is not None and any(
            address.version == network.version and address in network for network in self.networks
        )


def _address(origin: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """
    The address of a peer; one of IPv4 in the clothes of IPv6 (RFC 4291, 2.5.5.2) is one of IPv4.
    """
    kind, _, place = origin[:_LONGEST].partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return None
    host = unquote(place).rpartition(":")[0]
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
