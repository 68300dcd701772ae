"""
Where policy only reports: what allowlists deny is reached and told, and the tool goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_client.model_text import to_model_text
from toolcell_worker.battery.hellos import hello, named

from egress.asking import hosts, metrics, reasons, told
from egress.bed import GRANTED, OTHER, PLAIN

if TYPE_CHECKING:
    from toolcell_client import Result

    from egress.bed import Bed

METRIC = 'toolcell_egress_connections_total{reason="host_not_granted",verdict="reported"}'
NARROW = """
import urllib.request
result = []
for method, path in [("GET", "/v1/a"), ("DELETE", "/v1/b"), ("GET", "/v2/c")]:
    request = urllib.request.Request("http://{host}:{port}" + path, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        result.append(answer.read().decode())
"""
PORTS = """
result = {{}}
for port in (80, 443, 22, 8081):
    try:
        one = socket.create_connection(({host!r}, port), 5)
    except (ConnectionRefusedError, PermissionError):  # Landlock says so before the network does
        result[port] = "nobody listens"
        continue
    try:
        one.sendall({secure!r} if port == 443 else {plain!r})
        one.recv(1)
    except OSError: pass
    result[port] = "somebody listens"
    one.close()
result = list(result.values())
"""
FAIL = """
urllib.request.urlopen({url!r}, timeout=10).read()
raise ValueError("of its own")
"""


@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "in plain HTTP"])
def test_a_host_that_was_not_granted_is_reached_and_reported(
    reporting: Bed, bed: Bed, secure: bool
) -> None:
    """
    The oracle is the site, which sees who comes; the control is the same call, enforced.
    """

    def run(on: Bed) -> tuple[Result, list[str], int]:
        make, site = (on.url, on.secure) if secure else (on.plain_url, on.plain)
        site.seen.clear()
        result = on.client.run("fetch", {"url": make(host=GRANTED), "then": make("/x", OTHER)})
        return result, hosts(site), site.port

    result, seen, _ = run(bed)
    assert ("failed", [], {("resolve", OTHER, "host_not_granted", False)}) == (
        result.label,
        seen,
        told(result),
    )
    result, seen, port = run(reporting)

    assert ("GET /x", [f"{OTHER}:{port}"]) == (result.raise_for_outcome().value, seen)
    assert {
        ("resolve", OTHER, "host_not_granted", True),
        ("connect", f"{OTHER}:{port}", "host_not_granted", True),
    } == told(result)
    assert [(OTHER, port)] == [(each.host, each.port) for each in result.contacts]


def test_a_host_that_was_granted_is_reached_and_nothing_is_reported(reporting: Bed) -> None:
    """
    Or nobody could tell from a report what an allowlist lacks.
    """
    result = reporting.client.run("fetch", {"url": reporting.url("/granted")})

    assert ("GET /granted", set()) == (result.raise_for_outcome().value, told(result))


def test_methods_and_paths_that_were_not_granted_are_reported(reporting: Bed, bed: Bed) -> None:
    target = f"{PLAIN}:{reporting.plain.port}"
    control = bed.client.run("run_narrow", {"code": NARROW.format(host=PLAIN, port=bed.plain.port)})
    assert ("failed", {"method_not_granted"}) == (control.label, {r for *_, r in reasons(control)})
    code = NARROW.format(host=PLAIN, port=reporting.plain.port)
    reporting.plain.seen.clear()
    result = reporting.client.run("run_narrow", {"code": code})

    assert ["GET /v1/a", "DELETE /v1/b", "GET /v2/c"] == result.raise_for_outcome().value
    assert ["/v1/a", "/v1/b", "/v2/c"] == [path for _, path, _ in reporting.plain.seen]
    assert {
        ("request", target, "method_not_granted", True),
        ("request", target, "path_not_granted", True),
    } == told(result)


def test_a_cell_listens_at_the_ports_of_the_web_and_at_no_other(reporting: Bed) -> None:
    """
    Whoever connects there is reported, and the name is asked for outside: it was let through.
    """
    reporting.names.asked.clear()
    plain = f"GET / HTTP/1.1\r\nHost: {OTHER}\r\n\r\n".encode()
    code = PORTS.format(host=OTHER, secure=hello(named(OTHER.encode())), plain=plain)
    arguments = {"code": code, "domains": [reporting.plain_url()]}
    result = reporting.client.run("run_code", arguments)

    assert ["somebody listens"] * 2 + ["nobody listens"] * 2 == result.raise_for_outcome().value
    assert {OTHER} == set(reporting.names.asked)
    assert {("connect", f"{OTHER}:{port}", "host_not_granted", True) for port in (80, 443)} == {
        each for each in told(result) if each[0] == "connect" and each[3]
    }


def test_what_is_only_reported_explains_no_ending(reporting: Bed, bed: Bed) -> None:
    """
    The tool had what it asked for; to blame its failure on that would mislead a model.
    """

    def run(on: Bed) -> Result:
        code = FAIL.format(url=on.plain_url(host=OTHER))
        return on.client.run("run_code", {"code": code, "domains": [on.plain_url()]})

    def explained(result: Result) -> list[str]:
        return [each.target for each in result.outcome.denials if each.operation != "socket"]

    control, result = run(bed), run(reporting)
    assert ("failed", [OTHER], True) == (
        control.label,
        explained(control),
        OTHER in to_model_text(control),
    )

    assert ("failed", [], False) == (
        result.label,
        explained(result),
        OTHER in result.outcome.hint + to_model_text(result),
    )
    assert "ValueError" == result.outcome.failed.exception
    assert {True} == {reported for *_, reported in told(result)}


def test_the_operator_is_told_that_it_is_on_and_what_was_let_through(
    reporting: Bed, bed: Bed
) -> None:
    """
    A mode that is forgotten is a hole.
    """
    reporting.client.run("fetch", {"url": reporting.url(), "then": reporting.url(host=OTHER)})
    log = reporting.server.log.read_text().splitlines()
    lines = [line for line in log if "connection" in line and OTHER in line and "reported" in line]
    warnings = [line for line in log if "report-only" in line and "WARNING" in line]
    counted = [line for line in metrics(reporting) if line.startswith(METRIC)]

    assert (1, True) == (len(warnings), "host_not_granted" in lines[-1])
    assert float(counted[0].rpartition(" ")[2]) >= 1
    assert "toolcell_egress_report_only 1.0" in metrics(reporting)
    assert "toolcell_egress_report_only 0.0" in metrics(bed)
    assert "report-only" not in bed.server.log.read_text()
