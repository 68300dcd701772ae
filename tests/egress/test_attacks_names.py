"""
Attacks N3 and N5: names that are addresses, that look like others, that are read in two ways.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from toolcell_client.errors import CallRefused
from toolcell_server.battery.spellings import ADDRESSES, AMBIGUOUS, look_alikes, written
from waiting import wait_until

from egress.asking import granted_still_works, hosts, reasons
from egress.bed import GRANTED, OTHER

if TYPE_CHECKING:
    from egress.bed import Bed
    from egress.canaries import Canary


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_a_url_is_refused_before_anything_runs(
    bed: Bed, canary: Canary, address: str
) -> None:
    """
    N3: whatever inet_aton(3) would take is no name, so nobody could have approved it.
    """
    with contextlib.suppress(OSError):
        socket.create_connection((address.strip("[]").replace("%25", "%"), canary.tcp), 5).close()
        wait_until(lambda: canary.touched != [])
    canary.touched.clear()
    with pytest.raises(CallRefused):
        bed.client.run("fetch", {"url": f"http://{address}:{canary.tcp}/"})

    assert [] == canary.touched
    granted_still_works(bed)


@pytest.mark.parametrize("url", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_url_that_could_be_read_in_two_ways_is_refused(bed: Bed, url: str) -> None:
    """
    N5: what was approved and what the tool speaks to must be one host.
    """
    bed.names.zone["key.example.test"] = ("127.0.0.1",)
    before = (bed.plain.connections, len(bed.names.asked))
    with pytest.raises(CallRefused):
        bed.client.run("fetch", {"url": written(url, GRANTED, OTHER, bed.plain.port)})

    assert before == (bed.plain.connections, len(bed.names.asked))
    granted_still_works(bed)


@pytest.mark.parametrize("name", look_alikes(GRANTED))
def test_a_name_that_looks_like_a_granted_one_is_another(bed: Bed, name: str) -> None:
    """
    N5: and N14: it has no address, and nobody outside is asked for it.
    """
    bed.names.zone[name] = ("127.0.0.1",)
    control = bed.client.run("fetch", {"url": bed.plain_url(host=name)})
    assert (True, f"{name}:{bed.plain.port}") == (control.ok, hosts(bed.plain)[-1])
    bed.names.asked.clear()
    before = bed.plain.connections
    url, then = bed.plain_url(host=GRANTED), bed.plain_url(host=name)
    result = bed.client.run("fetch", {"url": url, "then": then})

    assert ("failed", before, []) == (result.label, bed.plain.connections, bed.names.asked)
    assert ("resolve", name, "host_not_granted") in reasons(result)
    granted_still_works(bed)


@pytest.mark.parametrize("spelt", ["API.example.TEST", "Api.Example.Test"])
def test_another_case_of_a_granted_name_is_that_name(bed: Bed, spelt: str) -> None:
    """
    N5: the control of the tests above: it is the name that decides, not its letters.
    """
    bed.names.asked.clear()
    result = bed.client.run("fetch", {"url": bed.plain_url(host=GRANTED).replace(GRANTED, spelt)})

    assert (True, {GRANTED}) == (result.ok, set(bed.names.asked))


def test_a_dot_at_the_end_of_a_name_is_granted_no_other_host(bed: Bed) -> None:
    """
    N5: the name is the granted one; what an origin makes of a Host with a dot nobody knows.
    """
    before = bed.plain.connections
    result = bed.client.run("fetch", {"url": bed.plain_url(host=f"{GRANTED}.")})

    assert ("failed", before) == (result.label, bed.plain.connections)
    assert [("request", f"{GRANTED}:{bed.plain.port}", "host_mismatch")] == reasons(result)
    granted_still_works(bed)


def test_a_wildcard_is_neither_its_apex_nor_what_policy_denies(bed: Bed) -> None:
    """
    N5: `*.example.test` has a label in place of the star.
    """
    bed.names.zone["example.test"] = ("127.0.0.1",)
    names = ["example.test", "denied.example.test", "below.denied.example.org", "test"]
    code = f"""
result = []
for name in {names!r}:
    try:
        socket.create_connection((name, {bed.secure.port}), 5)
        result.append(name)
    except OSError: pass
urllib.request.urlopen("https://{OTHER}:{bed.secure.port}/below").read()
"""
    bed.names.asked.clear()
    before = bed.secure.connections
    result = bed.client.run("run_below", {"code": code}).raise_for_outcome()

    assert ([], before + 1, {OTHER}) == (
        result.value,
        bed.secure.connections,
        set(bed.names.asked),
    )
    assert {"host_not_granted", "host_denied"} == {reason for _, _, reason in reasons(result)}
