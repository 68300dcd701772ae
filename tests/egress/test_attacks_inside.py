"""
Attacks N4 and N12: granted names that lead to this host, or into its network.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from toolcell_server.battery.addresses import own
from waiting import wait_until

from egress.asking import granted_still_works, reasons
from egress.bed import Bed, made
from egress.canaries import Canary, watching

if TYPE_CHECKING:
    from pathlib import Path

INSIDE = {
    "10.0.0.1": "address_private",
    "172.16.3.4": "address_private",
    "192.168.0.1": "address_private",
    "100.64.0.1": "address_carrier_nat",
    "127.0.0.2": "address_loopback",
    "::1": "address_loopback",
    "0.0.0.0": "address_unspecified",
    "169.254.169.254": "address_metadata",
    "100.100.100.200": "address_metadata",
    "168.63.129.16": "address_metadata",
    "169.254.7.7": "address_link_local",
    "fe80::1": "address_link_local",
    "fd00::1": "address_unique_local",
    "fd00:ec2::254": "address_metadata",
    "::ffff:127.0.0.1": "address_translated",
    "64:ff9b::7f00:1": "address_translated",
    "2002:7f00:1::": "address_translated",
    "198.18.0.1": "address_reserved",
    "224.0.0.1": "address_multicast",
    "255.255.255.255": "address_broadcast",
    "own": "address_own",
    "93.184.216.34 127.0.0.1": "mixed_addresses",
    "127.0.0.1 127.0.0.2": "address_loopback",
    "127.0.0.1 2606:2800:220:1::1": "mixed_addresses",
    "": "no_address",
}


@pytest.mark.parametrize(("addresses", "reason"), INSIDE.items())
def test_a_granted_name_that_leads_inside_is_not_dialled(
    bed: Bed, canary: Canary, addresses: str, reason: str
) -> None:
    """
    N4: whoever owns a name chooses its addresses; policy names 127.0.0.1 alone.
    """
    name = "inside.example.test"
    bed.names.zone[name] = ("127.0.0.1",)
    arguments = {"url": f"http://{name}:{canary.tcp}/"}
    bed.client.run("fetch", arguments, limits={"wall_seconds": 1})
    wait_until(lambda: len(canary.touched) == 1)
    bed.names.zone[name] = tuple(addresses.replace("own", own()).split())
    result = bed.client.run("fetch", arguments)

    assert ("failed", 1, ()) == (result.label, len(canary.touched), tuple(result.contacts))
    assert [("request", f"{name}:{canary.tcp}", reason)] == reasons(result)
    granted_still_works(bed)


def test_a_name_that_changes_its_mind_is_decided_about_anew_each_time(bed: Bed) -> None:
    """
    N4: the address that was checked is the one that is dialled, and the next dial is checked.
    """
    name = "rebound.example.test"
    url = bed.plain_url(host=name)
    with watching(bed.plain.port, "127.0.0.2") as canary:
        socket.create_connection(("127.0.0.2", canary.tcp), 5).close()
        wait_until(lambda: len(canary.touched) == 1)
        bed.names.zone[name], bed.names.later[name] = ("127.0.0.1",), ("127.0.0.2",)
        bed.names.asked.clear()
        first = bed.client.run("fetch", {"url": url})
        assert (True, [name, name]) == (first.ok, bed.names.asked)  # A and AAAA
        second = bed.client.run("fetch", {"url": url})

        assert ("failed", 1) == (second.label, len(canary.touched))
    assert [("request", f"{name}:{bed.plain.port}", "address_loopback")] == reasons(second)


def test_the_service_itself_is_not_reached_by_a_name_of_it(bed: Bed, tmp_path: Path) -> None:
    """
    N12: but for a network that the operator names, 127.0.0.1 is nobody's business.
    """
    name = "service.example.test"
    bed.names.zone[name] = ("127.0.0.1",)
    port = bed.server.metrics.rpartition(":")[2]
    control = bed.client.run("fetch", {"url": f"http://{name}:{port}/metrics"})
    assert "toolcell_" in control.raise_for_outcome().value
    tmp_path.chmod(0o755)
    with made(tmp_path, private='"10.0.0.0/8"') as other:
        other.names.zone[name] = ("127.0.0.1",)
        for target in (other.server.target, other.server.metrics):
            port = target.rpartition(":")[2]
            result = other.client.run("fetch", {"url": f"http://{name}:{port}/metrics"})

            assert "failed" == result.label
            assert [("request", f"{name}:{port}", "address_loopback")] == reasons(result)
        granted = other.client.run("fetch", {"url": other.plain_url()})

        assert ("failed", 0) == (granted.label, other.plain.connections)
