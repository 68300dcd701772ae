"""
What an address is: public, or which of the kinds that are not.  Pure.

The tables are our own.  `is_global` of the standard library says yes to 64:ff9b::a00:1 (which a
NAT64 takes to 10.0.0.1), 2002:a00:1::1 (6to4), 224.0.0.1 and fec0::1 on Python 3.11.7, and changes
between versions.  In IPv6 only 2000::/3 has been given out (RFC 4291 2.4), so that all else is
never public; in IPv4 everything is public that no table names.

Sources: IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), and the
clouds' own documentation for metadata.  Blocks there that are called globally reachable but serve
protocols instead of hosts (192.0.0.9, 2001:1::1, 2001:20::/28) count as reserved.
"""

from __future__ import annotations

import enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressKind(enum.StrEnum):
    """
    Only PUBLIC may be dialled without the operator's word.
    """

    PUBLIC = "public"
    UNSPECIFIED = "unspecified"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    CARRIER_NAT = "carrier_nat"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    MULTICAST = "multicast"
    BROADCAST = "broadcast"
    RESERVED = "reserved"
    SITE_LOCAL = "site_local"
    UNIQUE_LOCAL = "unique_local"
    TRANSLATED = "translated"


# Where clouds hand out credentials and set-up data to whoever asks from the host.
METADATA: Final = (
    "169.254.169.254",  # EC2, Google, Azure, Oracle, OpenStack, DigitalOcean, Hetzner and others
    "169.254.170.2",  # credentials of ECS tasks
    "169.254.170.23",  # EKS Pod Identity
    "169.254.42.42",  # Scaleway
    "169.254.0.23",  # Tencent
    "100.100.100.200",  # Alibaba; in the space of carriers' NAT
    "168.63.129.16",  # Azure's WireServer; in public space
    "192.0.0.192",  # Oracle Cloud Classic
    "fd00:ec2::254",  # EC2
    "fd00:ec2::23",  # EKS Pod Identity
    "fd20:ce::254",  # Google, hosts without IPv4
    "fd00:c1::a9fe:a9fe",  # Oracle
    "fd00:42::42",  # Scaleway
    "fd00:a9fe:a9fe::1",  # Akamai, formerly Linode
    "fe80::a9fe:a9fe",  # OpenStack
)

# The first block that holds an address names its kind, so single addresses stand first.
_BLOCKS: Final[tuple[tuple[AddressKind, tuple[str, ...]], ...]] = (
    (AddressKind.METADATA, METADATA),
    (AddressKind.UNSPECIFIED, ("0.0.0.0", "::")),  # noqa: S104  # named here to be refused
    (AddressKind.LOOPBACK, ("127.0.0.0/8", "::1")),  # RFC 1122 3.2.1.3, RFC 4291 2.5.3
    (AddressKind.BROADCAST, ("255.255.255.255",)),  # RFC 919
    (AddressKind.PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),  # RFC 1918
    (AddressKind.CARRIER_NAT, ("100.64.0.0/10",)),  # RFC 6598
    (AddressKind.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),  # RFC 3927, RFC 4291 2.5.6
    (AddressKind.MULTICAST, ("224.0.0.0/4", "ff00::/8")),  # RFC 1112, RFC 4291 2.7
    (AddressKind.SITE_LOCAL, ("fec0::/10",)),  # RFC 3879: deprecated, and still routed inside
    (AddressKind.UNIQUE_LOCAL, ("fc00::/7",)),  # RFC 4193
    (
        AddressKind.TRANSLATED,
        (
            "::ffff:0:0/96",  # IPv4-mapped, RFC 4291 2.5.5.2
            "::/96",  # IPv4-compatible, RFC 4291 2.5.5.1
            "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
            "64:ff9b::/96",  # NAT64, RFC 6052
            "64:ff9b:1::/48",  # NAT64 of a network's own, RFC 8215
            "2001::/32",  # Teredo, RFC 4380
            "2002::/16",  # 6to4, RFC 3056
        ),
    ),
    (
        AddressKind.RESERVED,
        (
            "0.0.0.0/8",  # "this network", RFC 791
            "192.0.0.0/24",  # IETF protocol assignments, RFC 6890
            "192.0.2.0/24",  # documentation, RFC 5737: this and the next two
            "198.51.100.0/24",
            "203.0.113.0/24",
            "192.88.99.0/24",  # relays of 6to4, deprecated by RFC 7526
            "198.18.0.0/15",  # benchmarks, RFC 2544; inside a cell these stand for names
            "240.0.0.0/4",  # RFC 1112 4
            "100::/64",  # discard, RFC 6666
            "100:0:0:1::/64",  # dummy, RFC 9780
            "2001::/23",  # IETF protocol assignments, RFC 2928
            "2001:db8::/32",  # documentation, RFC 3849
            "3fff::/20",  # documentation, RFC 9637
            "5f00::/16",  # segment routing, RFC 9602
        ),
    ),
    (AddressKind.PUBLIC, ("0.0.0.0/0", "2000::/3")),  # RFC 4291 2.4
    (AddressKind.RESERVED, ("::/0",)),
)
_TABLE: Final = tuple((ip_network(block), kind) for kind, blocks in _BLOCKS for block in blocks)
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # RFC 5214 6.1: what stands before the IPv4 address


def classify(address: Address) -> AddressKind:
    """
    The kind of an address.  A zone (fe80::1%eth0) says nothing of it.
    """
    kind = next(kind for block, kind in _TABLE if address in block)
    if kind is AddressKind.PUBLIC and address.version == 6 and _before_last(address) in _ISATAP:
        return AddressKind.TRANSLATED
    return kind


def _before_last(address: IPv6Address) -> int:
    """
    The last 32 bits but 32.
    """
    return int(address) >> 32 & 0xFFFF_FFFF


def embedded(address: Address) -> IPv4Address | None:
    """
    The IPv4 address that a translator would take an address to.  None if there is none, or if where
    it stands depends on a prefix that only the translator knows (RFC 6052 2.2).
    """
    number = int(address)
    if not isinstance(address, IPv6Address) or classify(address) is not AddressKind.TRANSLATED:
        return None
    if address in ip_network("2002::/16"):
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if address in ip_network("2001::/32"):
        return IPv4Address(~number & 0xFFFF_FFFF)  # RFC 4380 4: every bit is turned over
    if address in ip_network("64:ff9b:1::/48"):
        return None
    return IPv4Address(number & 0xFFFF_FFFF)
