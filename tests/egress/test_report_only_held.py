"""
Where policy only reports, what it never lets through: each test has the control that the same is
reached, or that reporting is on.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from toolcell_server.battery import addresses
from toolcell_worker.battery.hellos import hello, named
from toolcell_worker.battery.smuggling import PAYLOADS
from waiting import wait_until

from egress.asking import ASK, goes_on_reporting, hosts, reasons, reported
from egress.bed import GRANTED, OTHER, PLAIN, made
from egress.canaries import watching
from egress.saying import CONNECT, HANDSHAKE, SAY, SEND, UNCLEAR, filled, smuggled

if TYPE_CHECKING:
    from pathlib import Path

    from egress.bed import Bed

DENIED = "denied.example.test"
# Of the attacks on HTTP those that are plain requests for another host, which is only reported.
REPORTED = {
    "a pipelined request for another host",
    "another host",
    "another host in both",
    "another port",
    "no port",
}
WORDS = {reason: reason in {"sni_missing", "sni_mismatch"} for _, reason in UNCLEAR.values()}


@pytest.mark.parametrize(("said", "reason"), UNCLEAR.values(), ids=UNCLEAR)
def test_a_hello_that_says_another_name_goes_on_and_one_that_says_nothing_clear_does_not(
    reporting: Bed, said: bytes, reason: str
) -> None:
    """
    Policy denies a name here, which an encrypted hello could hide.
    """
    before = reporting.secure.connections
    port = reporting.secure.port
    code = SAY.format(said=said, host=GRANTED, port=port, step=65536, then="pass")
    result = reporting.client.run("run_code", {"code": code, "domains": [reporting.url()]})

    through = WORDS[reason]
    assert (through, through) == (
        result.raise_for_outcome().value == HANDSHAKE,
        reporting.secure.connections == before + 1,
    )
    assert [("connect", f"{GRANTED}:{port}", reason)] == reasons(result)
    assert ({(f"{GRANTED}:{port}", reason)} if through else set()) == reported(result)
    goes_on_reporting(reporting)


def test_no_hello_says_a_name_that_policy_denies(reporting: Bed) -> None:
    """
    Whoever shares an address with it could be asked for it (domain fronting).
    """
    before, port = reporting.secure.connections, reporting.secure.port
    said = hello(named(DENIED.encode()))
    code = SAY.format(said=said, host=OTHER, port=port, step=65536, then="pass")
    result = reporting.client.run("run_code", {"code": code, "domains": [reporting.url()]})

    assert HANDSHAKE != result.raise_for_outcome().value
    assert before == reporting.secure.connections
    assert ("connect", f"{OTHER}:{port}", "host_denied") in reasons(result)
    goes_on_reporting(reporting)


@pytest.mark.parametrize("name", PAYLOADS)
def test_only_plain_requests_for_another_host_go_on(reporting: Bed, name: str) -> None:
    """
    What two readers could take for different requests is no matter of an allowlist.
    """
    said = filled(reporting, PAYLOADS[name])
    reporting.plain.seen.clear()
    code = SEND.format(host=PLAIN, port=reporting.plain.port, said=said)
    result = reporting.client.run("run_code", {"code": code, "domains": [reporting.plain_url()]})

    assert result.ok
    assert (name in REPORTED) == (smuggled(reporting) != [])
    assert (name in REPORTED) == (reported(result) != set())
    goes_on_reporting(reporting)


def test_what_policy_denies_is_reached_by_no_name_of_it(reporting: Bed) -> None:
    """
    Neither dialled nor asked for outside, nor named to another host.
    """
    reporting.names.asked.clear()
    reporting.plain.seen.clear()
    port = reporting.plain.port
    arguments = {"url": reporting.plain_url(), "then": reporting.plain_url(host=DENIED)}
    dialled = reporting.client.run("fetch", arguments)
    asked = [(OTHER, port, "GET", f"{DENIED}:{port}"), (OTHER, port, "GET", f"{DENIED}.:{port}")]
    code = ASK.format(asked=[*asked, (OTHER, port, "GET", f"{OTHER}:{port}")])
    domains = [reporting.plain_url()]
    fronted = reporting.client.run("run_code", {"code": code, "domains": domains})

    assert ("failed", [("resolve", DENIED, "host_denied")]) == (dialled.label, reasons(dialled))
    assert [403, 403, 200] == fronted.raise_for_outcome().value
    assert [f"{OTHER}:{port}"] == hosts(reporting.plain)
    assert ({OTHER}, ("request", f"{OTHER}:{port}", "host_denied")) == (
        set(reporting.names.asked),
        next(each for each in reasons(fronted) if each[0] == "request"),
    )


def test_an_address_that_no_name_may_lead_to_is_not_reached(reporting: Bed) -> None:
    """
    A name that nobody approved leads where its owner says, into the operator's own network too.
    """
    name, port = "inside.example.test", reporting.plain.port
    url = reporting.plain_url()
    with watching(port, "127.0.0.2") as canary:
        socket.create_connection(("127.0.0.2", port), 5).close()
        wait_until(lambda: canary.touched != [])
        canary.touched.clear()
        for address, reason in {
            "127.0.0.2": "address_loopback",
            "10.0.0.1": "address_private",
            "169.254.169.254": "address_metadata",
        }.items():
            reporting.names.zone[name] = (address,)
            then = reporting.plain_url(host=name)
            result = reporting.client.run("fetch", {"url": url, "then": then})

            assert ("failed", []) == (result.label, canary.touched)
            assert ("request", f"{name}:{port}", reason) in reasons(result)
            assert {(name, "host_not_granted"), (f"{name}:{port}", "host_not_granted")} == reported(
                result
            )
    goes_on_reporting(reporting)


def test_an_address_that_was_named_by_itself_is_reached_by_granted_names_alone(
    tmp_path: Path,
) -> None:
    """
    The host's own address, as it would be a cloud's metadata: the control is a granted name.
    """
    own, name, other = addresses.own(), "own.example.test", "rebound.example.test"
    if not own:
        pytest.skip("this host has no address but loopback")
    tmp_path.chmod(0o755)
    policy = "domains_report_only = true"
    with (
        watching() as canary,
        made(tmp_path, policy=policy, private=f'"127.0.0.1/32", "{own}/32"') as bed,
    ):
        bed.names.zone |= {name: (own,), other: (own,)}
        named = {"url": f"https://{name}:{canary.tcp}/"}
        bed.client.run("fetch", named, limits={"wall_seconds": 2})
        wait_until(lambda: len(canary.touched) == 1)
        then = {"then": f"https://{other}:{canary.tcp}/"}
        result = bed.client.run("fetch", named | then, limits={"wall_seconds": 10})

        assert ("failed", 1) == (result.label, len(canary.touched))
        assert ("connect", f"{other}:{canary.tcp}", "address_own") in reasons(result)
        assert (f"{other}:{canary.tcp}", "host_not_granted") in reported(result)
        goes_on_reporting(bed)


def test_the_budgets_of_a_call_hold(reporting: Bed) -> None:
    """
    Of hosts that are only reported, too: connections, and bytes.
    """
    named = {"host": OTHER, "port": reporting.plain.port}
    arguments = {"domains": [reporting.plain_url()]}

    def connect(count: int, seconds: int) -> str:
        code = CONNECT.format(count=count, seconds=seconds, **named)
        limits = {"connections": 20, "wall_seconds": 10}
        return reporting.client.run("run_code", {"code": code, **arguments}, limits=limits).label

    assert ("completed", "exceeded(network)") == (connect(20, 0), connect(2000, 5))

    def read(count: int) -> str:
        then = reporting.plain_url(f"/bytes/{count}", OTHER)
        limits = {"network_bytes": 100_000}
        both = {"url": reporting.plain_url(), "then": then}
        return reporting.client.run("fetch", both, limits=limits).label

    assert ("completed", "exceeded(network)") == (read(1000), read(400_000))
    goes_on_reporting(reporting)
