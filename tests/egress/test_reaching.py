"""
Unmodified clients reach what was granted, by its name, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from egress.asking import metrics
from egress.bed import GRANTED, OTHER

if TYPE_CHECKING:
    from egress.bed import Bed

NAMES = 'toolcell_egress_names_total{reason="host_not_granted",verdict="denied"}'


def test_a_page_of_the_host_that_was_granted_is_fetched_over_tls(bed: Bed) -> None:
    """
    The client knows nothing of us: it resolves a name, connects, and checks a certificate.
    """
    result = bed.client.run("fetch", {"url": bed.url("/hello")})

    assert "GET /hello" == result.raise_for_outcome().value
    assert [(GRANTED, bed.secure.port, 1)] == [
        (each.host, each.port, each.connections) for each in result.contacts
    ]
    assert result.contacts[0].received_bytes == result.usage.network_received_bytes > 0
    assert () == tuple(result.denials)  # an alarm at every call that goes well is none


def test_a_unix_socket_that_somebody_means_to_use_is_told(bed: Bed) -> None:
    """
    The control: what is not told is how glibc looks for a cache of names, and that alone.
    """
    code = "socket.socket(socket.AF_UNIX)"
    result = bed.client.run("run_code", {"code": code, "domains": [bed.url()]})

    assert ["AF_UNIX SOCK_STREAM"] == [each.target for each in result.denials]


def test_a_page_of_a_plain_site_is_fetched(bed: Bed) -> None:
    result = bed.client.run("fetch", {"url": bed.plain_url("/plain")})

    assert "GET /plain" == result.raise_for_outcome().value


def test_another_host_has_no_address_and_is_not_asked_for_outside(bed: Bed) -> None:
    """
    A name is a message, too: who is asked for it learns it.
    """
    before = len(bed.secure.seen)
    result = bed.client.run("fetch", {"url": bed.url(), "then": bed.url(host=OTHER)})

    assert "failed" == result.label
    assert (len(bed.secure.seen), False) == (before, OTHER in bed.names.asked)
    assert ("resolve", OTHER, "host_not_granted", True) in [
        (each.operation, each.target, each.reason, each.evidence == pb.EVIDENCE_OBSERVED)
        for each in result.denials
    ]
    log = bed.server.log.read_text().splitlines()
    lines = [line for line in log if f"host={OTHER}" in line and " name " in line]
    assert all("verdict=denied reason=host_not_granted" in line for line in lines)
    assert [] != lines
    assert [] != [line for line in metrics(bed) if line.startswith(NAMES)]


def test_the_built_in_tool_reaches_a_plain_site(bed: Bed) -> None:
    """
    As it comes, with nothing of ours in its environment.
    """
    result = bed.client.run("http_request", {"url": bed.plain_url("/built-in")})

    assert "GET /built-in" == result.raise_for_outcome().value["body"]
