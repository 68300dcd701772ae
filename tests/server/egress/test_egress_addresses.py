"""
Kinds of addresses: both ends of each block, and their neighbours.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.addresses import METADATA, AddressKind, classify, embedded

KINDS = {
    AddressKind.PUBLIC: """
        1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
        128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
        191.255.255.255 192.0.1.0 192.0.3.0 192.31.196.1 192.52.193.1 192.88.98.255 192.88.100.0
        192.167.255.255 192.169.0.0 192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255
        198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
        2000:: 2001:200:: 2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003:: 2606:4700::1111
        2620:4f:8000::1 3ffe:ffff:: 3fff:1000:: 3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    """,
    AddressKind.UNSPECIFIED: "0.0.0.0 ::",
    AddressKind.LOOPBACK: "127.0.0.0 127.0.0.1 127.255.255.255 ::1",
    AddressKind.PRIVATE: """
        10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255
    """,
    AddressKind.CARRIER_NAT: "100.64.0.0 100.127.255.255 100.100.100.199",
    AddressKind.LINK_LOCAL: """
        169.254.0.0 169.254.169.253 169.254.255.255
        fe80:: fe80::1 fe80::1%eth0 febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    """,
    AddressKind.METADATA: f"{' '.join(METADATA)} fe80::a9fe:a9fe%eth0",
    AddressKind.MULTICAST: """
        224.0.0.0 224.0.0.1 239.255.255.255
        ff00:: ff02::1 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    """,
    AddressKind.BROADCAST: "255.255.255.255",
    AddressKind.RESERVED: """
        0.0.0.1 0.255.255.255 192.0.0.0 192.0.0.9 192.0.0.255 192.0.2.0 192.0.2.255 198.51.100.0
        198.51.100.255 203.0.113.0 203.0.113.255 192.88.99.0 192.88.99.255 198.18.0.0 198.19.255.255
        240.0.0.0 255.255.255.254
        100:: 100::ffff:ffff:ffff:ffff 100:0:0:1:: 200:: 64:ff9b:2:: 1000:: 1fff:ffff::
        2001:1:: 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1
        2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
        3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff 4000:: 5f00:: 5f00:ffff:: 6000:: 8000:: a000::
        c000:: e000:: f000:: f800:: fbff:ffff:: fe00:: fe7f:ffff::
    """,
    AddressKind.SITE_LOCAL: "fec0:: fec0::1 feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    AddressKind.UNIQUE_LOCAL: "fc00:: fd00::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    AddressKind.TRANSLATED: """
        ::2 ::8.8.8.8 ::255.255.255.255 ::ffff:0.0.0.0 ::ffff:8.8.8.8 ::ffff:10.0.0.1
        ::ffff:169.254.169.254 ::ffff:0:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b::a00:1 64:ff9b:1::8.8.8.8
        64:ff9b:1:ffff:ffff:ffff:ffff:ffff 2001::1 2001:0:ffff:ffff:ffff:ffff:ffff:ffff
        2002:: 2002:a00:1::1 2002:808:808::1 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff
        2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:8.8.8.8
    """,
}

EMBEDDED = {
    "mapped": ("::ffff:10.0.0.1", "10.0.0.1"),
    "compatible": ("::10.0.0.1", "10.0.0.1"),
    "translated": ("::ffff:0:10.0.0.1", "10.0.0.1"),
    "NAT64": ("64:ff9b::169.254.169.254", "169.254.169.254"),
    "6to4": ("2002:a00:1::1", "10.0.0.1"),
    "6to4 with a look of ISATAP": ("2002:a00:1::5efe:8.8.8.8", "10.0.0.1"),
    "Teredo": ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),  # RFC 4380 4, turned over
    "ISATAP": ("2606:4700::5efe:10.0.0.1", "10.0.0.1"),
    "a NAT64 whose prefix is its own": ("64:ff9b:1::10.0.0.1", None),
    "none": ("2606:4700::1111", None),
    "IPv4": ("8.8.8.8", None),
}


@pytest.mark.parametrize(
    ("kind", "address"), [(kind, each) for kind, all_ in KINDS.items() for each in all_.split()]
)
def test_an_address_is_of_the_kind_that_the_registries_say(kind: str, address: str) -> None:
    """
    Each of these blocks has been somebody's way inside.
    """
    assert kind == classify(ip_address(address))


def test_every_kind_has_examples() -> None:
    """
    A kind that nothing is of would never be missed.
    """
    assert set(AddressKind) == set(KINDS)


@pytest.mark.parametrize(("address", "expected"), EMBEDDED.values(), ids=EMBEDDED)
def test_an_embedded_address_is_found(address: str, expected: str | None) -> None:
    """
    An operator who names a NAT64 has not named what is behind it.
    """
    assert expected == (str(found) if (found := embedded(ip_address(address))) else None)


@given(st.one_of(st.ip_addresses(), st.ip_addresses(network="2000::/3")))
def test_nothing_is_public_that_the_standard_library_knows_not_to_be(
    address: IPv4Address | IPv6Address,
) -> None:
    """
    Its answer is too generous, never too strict: another pair of eyes on our tables.
    """
    public = classify(address) is AddressKind.PUBLIC

    assert not public or (address.is_global and not address.is_multicast)
