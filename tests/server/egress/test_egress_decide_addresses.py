"""
Decisions about the addresses of a name.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from toolcell_server.egress.addresses import METADATA, AddressKind
from toolcell_server.egress.decide_addresses import decide_addresses
from toolcell_server.egress.verdicts import Reason

OWN = "10.0.0.5 203.0.114.5 127.0.0.1 fe80::5%eth0 2606:4700::5"

# Addresses, the networks that the operator names, the reason.
ANSWERS = {
    "none": ("", "", "no_address"),
    "a public one": ("93.184.216.34", "", "addresses_public"),
    "public ones of both families": ("93.184.216.34 2606:4700::1111", "", "addresses_public"),
    "a public one and a private one": ("93.184.216.34 10.0.0.1", "", "mixed_addresses"),
    "a private one and a public one": ("10.0.0.1 93.184.216.34", "", "mixed_addresses"),
    "a public one and a named one": ("93.184.216.34 10.0.0.1", "10.0.0.0/8", "mixed_addresses"),
    "a public one and the loopback": ("93.184.216.34 ::1", "", "mixed_addresses"),
    "a private one": ("10.0.0.1", "", "address_private"),
    "a private one that is named": ("10.0.0.1", "10.0.0.0/8", "addresses_named"),
    "a private one outside what is named": ("10.1.0.1", "10.0.0.0/16", "address_private"),
    "two private ones of which one is named": (
        "10.0.0.1 10.9.0.1",
        "10.0.0.0/16",
        "address_private",
    ),
    "named ones of two kinds": ("10.0.0.1 fd00::1", "10.0.0.0/8 fd00::/8", "addresses_named"),
    "a unique local one": ("fd00::1", "10.0.0.0/8", "address_unique_local"),
    "the loopback": ("127.0.0.1", "", "address_loopback"),
    "the loopback by another of its addresses": ("127.8.8.8", "", "address_loopback"),
    "the loopback that is named": ("127.0.0.1", "127.0.0.0/8", "addresses_named"),
    "the loopback that is named by itself": ("::1", "::1/128", "addresses_named"),
    "the loopback within everything": ("127.0.0.1", "0.0.0.0/0", "address_loopback"),
    "the IPv6 loopback within everything": ("::1", "::/0", "address_loopback"),
    "this host by no address": ("0.0.0.0", "0.0.0.0/0", "address_unspecified"),
    "this host by no address, named": ("0.0.0.0", "0.0.0.0/32", "address_unspecified"),
    "many": ("224.0.0.1", "224.0.0.0/4", "address_multicast"),
    "all": ("255.255.255.255", "255.255.255.255/32", "address_broadcast"),
    "an address of a cell": ("198.18.0.1", "", "address_reserved"),
    "carriers' NAT": ("100.64.0.1", "", "address_carrier_nat"),
    "link-local": ("169.254.1.1", "", "address_link_local"),
    "site-local": ("fec0::1", "", "address_site_local"),
    # Metadata.
    "metadata": ("169.254.169.254", "", "address_metadata"),
    "metadata in public space": ("168.63.129.16", "", "address_metadata"),
    "metadata and a public one": ("168.63.129.16 93.184.216.34", "", "mixed_addresses"),
    "metadata within what is named": ("169.254.169.254", "169.254.0.0/16", "address_metadata"),
    "metadata within carriers' NAT": ("100.100.100.200", "100.64.0.0/10", "address_metadata"),
    "metadata that is named by itself": (
        "169.254.169.254",
        "169.254.169.254/32",
        "addresses_named",
    ),
    # This host.
    "this host": ("10.0.0.5", "", "address_own"),
    "this host in public space": ("203.0.114.5", "", "address_own"),
    "this host in public space, IPv6": ("2606:4700::5", "", "address_own"),
    "this host and a public one": ("203.0.114.5 93.184.216.34", "", "mixed_addresses"),
    "this host within what is named": ("10.0.0.5", "10.0.0.0/8", "address_own"),
    "this host, named by itself": ("10.0.0.5", "10.0.0.5/32", "addresses_named"),
    "this host in public space, named": ("203.0.114.5", "203.0.114.5/32", "addresses_named"),
    "this host without its zone": ("fe80::5", "fe80::/10", "address_own"),
    "this host by another zone": ("fe80::5%eth1", "", "address_own"),
    "a neighbour of this host": ("10.0.0.6", "10.0.0.0/8", "addresses_named"),
    # What stands for another.
    "a mapped public one": ("::ffff:93.184.216.34", "", "address_translated"),
    "a mapped public one within IPv4": ("::ffff:93.184.216.34", "0.0.0.0/0", "address_translated"),
    "a public one behind a NAT64": ("64:ff9b::93.184.216.34", "", "address_translated"),
    "a public one behind a named NAT64": (
        "64:ff9b::93.184.216.34",
        "64:ff9b::/96",
        "addresses_named",
    ),
    "a private one behind a named NAT64": ("64:ff9b::a00:1", "64:ff9b::/96", "address_translated"),
    "a named one behind a named NAT64": (
        "64:ff9b::a00:1",
        "64:ff9b::/96 10.0.0.0/8",
        "addresses_named",
    ),
    "metadata behind a named NAT64": (
        "64:ff9b::169.254.169.254",
        "64:ff9b::/96 169.254.0.0/16",
        "address_translated",
    ),
    "this host behind a named NAT64": (
        "64:ff9b::10.0.0.5",
        "64:ff9b::/96 10.0.0.0/8",
        "address_translated",
    ),
    "the loopback, mapped and named": (
        "::ffff:127.0.0.1",
        "::ffff:0:0/96 0.0.0.0/0",
        "address_translated",
    ),
    "nobody knows what behind a NAT64": (
        "64:ff9b:1::93.184.216.34",
        "64:ff9b:1::/48",
        "address_translated",
    ),
}


@pytest.mark.parametrize(("addresses", "private", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_taken_whole_or_not_at_all(addresses: str, private: str, reason: str) -> None:
    """
    A granted name that leads inside is the oldest way around an allowlist.
    """
    asked = [ip_address(each) for each in addresses.split()]
    networks = [ip_network(each) for each in private.split()]
    verdict = decide_addresses(asked, networks, {ip_address(each) for each in OWN.split()})
    allowed = reason in {"addresses_public", "addresses_named"}

    assert reason == verdict.reason
    assert allowed == verdict.allowed
    assert (tuple(asked) if allowed else ()) == verdict.addresses


# Addresses, the networks that the operator names, the reason for a name that nobody granted.
OF_OTHERS = {
    "a public one": ("93.184.216.34", "", "addresses_public"),
    "a private one": ("10.0.0.1", "", "address_private"),
    "a private one that is named": ("10.0.0.1", "10.0.0.0/8", "addresses_named"),
    "a private one that is named by itself": ("10.0.0.1", "10.0.0.1/32", "addresses_named"),
    "metadata that is named by itself": (
        "169.254.169.254",
        "169.254.169.254/32",
        "address_metadata",
    ),
    "metadata of IPv6": ("fd00:ec2::254", "fd00:ec2::254/128 fd00::/8", "address_metadata"),
    "metadata in public space": ("168.63.129.16", "168.63.129.16/32", "address_metadata"),
    "this host, named by itself": ("10.0.0.5", "10.0.0.5/32 10.0.0.0/8", "address_own"),
    "this host in public space": ("203.0.114.5", "203.0.114.5/32", "address_own"),
    "metadata behind a named NAT64": (
        "64:ff9b::169.254.169.254",
        "64:ff9b::/96 169.254.169.254/32",
        "address_translated",
    ),
}


@pytest.mark.parametrize(("addresses", "private", "reason"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_what_was_named_by_itself_was_named_for_a_granted_name(
    addresses: str, private: str, reason: str
) -> None:
    """
    A name that is only reported is the tool's to choose, and its owner says where it leads.
    """
    asked = [ip_address(each) for each in addresses.split()]
    networks = [ip_network(each) for each in private.split()]
    own = {ip_address(each) for each in OWN.split()}
    verdict = decide_addresses(asked, networks, own, granted=False)

    assert reason == verdict.reason
    assert reason.startswith("addresses_") == verdict.allowed


def test_an_address_is_dialled_once_and_in_the_order_of_the_resolver() -> None:
    """
    The resolver sorts by reachability (RFC 6724), and repeats what it has for each kind of socket.
    """
    first, second = ip_address("2606:4700::1111"), ip_address("1.1.1.1")
    verdict = decide_addresses([first, second, first], (), ())

    assert (first, second) == verdict.addresses


@pytest.mark.parametrize("address", METADATA)
def test_no_wide_network_names_a_metadata_address(address: str) -> None:
    """
    It hands out the host's own credentials to whoever asks.
    """
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]

    assert Reason.ADDRESS_METADATA == decide_addresses([ip_address(address)], everything, ()).reason


def test_every_kind_of_address_has_its_reason() -> None:
    """
    A kind without a word would raise where a verdict is due.
    """
    words = {f"address_{kind}" for kind in AddressKind if kind is not AddressKind.PUBLIC}

    assert words <= set(Reason)
