"""
Attacks N6, N8, N9 and the headers of N15: requests within requests, for others, to others.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from toolcell_worker.battery.smuggling import PAYLOADS
from waiting import wait_until

from egress.asking import granted_still_works, hosts, reasons
from egress.bed import OTHER, PLAIN
from egress.saying import SEND, filled, smuggled

if TYPE_CHECKING:
    from egress.bed import Bed


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_no_request_reaches_a_site_that_nobody_was_asked_about(bed: Bed, payload: str) -> None:
    """
    N8: two readers who disagree on where a request ends let through what neither was shown.
    """
    said = filled(bed, payload)
    bed.plain.seen.clear()
    with socket.create_connection(("127.0.0.1", bed.plain.port), 5) as outside:
        outside.sendall(said)
        wait_until(lambda: smuggled(bed) != [], 10)
    bed.plain.seen.clear()
    code = SEND.format(host=PLAIN, port=bed.plain.port, said=said)
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert (True, []) == (result.ok, smuggled(bed)), result
    assert result.value == "" or result.value.startswith("HTTP/1.1 ")
    granted_still_works(bed)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_no_tunnel_is_opened_within_http(bed: Bed, method: str) -> None:
    """
    N8: what is in it nobody could see.
    """
    said = f"{method} /smuggled HTTP/1.1\r\nHost: {PLAIN}:{bed.plain.port}\r\n\r\n".encode()
    before = bed.plain.connections
    code = SEND.format(host=PLAIN, port=bed.plain.port, said=said)
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert " 403 " in result.raise_for_outcome().value
    assert before == bed.plain.connections
    granted_still_works(bed)


def test_a_connection_whose_request_was_refused_is_logged_as_denied(bed: Bed) -> None:
    """
    Or who counts what was denied would count too little.
    """
    said = f"GET /logged HTTP/1.1\r\nHost: {OTHER}:{bed.plain.port}\r\n\r\n".encode()
    code = SEND.format(host=PLAIN, port=bed.plain.port, said=said)
    before = len(bed.server.log.read_text().splitlines())
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})
    new = bed.server.log.read_text().splitlines()[before:]
    lines = [line for line in new if "connection" in line and "host_mismatch" in line]

    assert [("request", f"{PLAIN}:{bed.plain.port}", "host_mismatch")] == reasons(result)
    assert [True] == ["denied" in line for line in lines]


def test_a_request_that_never_ends_reaches_nobody_and_ends_with_its_cell(bed: Bed) -> None:
    """
    N8, slowloris: a head is read to its end before anybody is dialled.
    """
    before = bed.plain.connections
    code = f"""
import time
one = socket.create_connection(({PLAIN!r}, {bed.plain.port}), 5)
while True:
    one.send(b"GET / HTTP/1.1\\r\\nX: "[:1])
    time.sleep(0.05)
"""
    result = bed.client.run(
        "run_code", {"code": code, "domains": [bed.plain_url()]}, limits={"wall_seconds": 1}
    )

    assert ("exceeded(wall)", before) == (result.label, bed.plain.connections)
    granted_still_works(bed)


def test_a_redirect_leads_nowhere_that_was_not_granted(bed: Bed) -> None:
    """
    N6: a redirect is a new request, decided about like the first.
    """
    target = bed.plain_url("/redirected", OTHER)
    url = bed.plain_url(f"/redirect/{target}")
    code = f"result = urllib.request.urlopen({url!r}, timeout=5).read().decode()"
    both = bed.client.run("run_code", {"code": code, "domains": [url, target]})
    assert "GET /redirected" == both.raise_for_outcome().value
    bed.plain.seen.clear()
    bed.names.asked.clear()
    result = bed.client.run("run_code", {"code": code, "domains": [url]})

    assert ("failed", [f"{PLAIN}:{bed.plain.port}"]) == (result.label, hosts(bed.plain))
    assert {PLAIN} == set(bed.names.asked)
    assert [("resolve", OTHER, "host_not_granted")] == reasons(result)
    granted_still_works(bed)


def test_plain_http_is_granted_by_the_same_rules(bed: Bed) -> None:
    """
    N9: neither another host, nor another port, nor the scheme of another.
    """
    control = bed.client.run("fetch", {"url": bed.plain_url(host=OTHER)})
    assert control.ok
    before = bed.plain.connections
    bed.names.asked.clear()
    for then in (
        bed.plain_url(host=OTHER),
        f"http://{PLAIN}/",
        f"http://{PLAIN}:{bed.secure.port}/",
    ):
        result = bed.client.run("fetch", {"url": bed.plain_url(), "then": then})

        assert "failed" == result.label
    assert (before, []) == (bed.plain.connections, bed.names.asked)
    granted_still_works(bed)


def test_headers_between_a_client_and_its_proxy_end_there(bed: Bed) -> None:
    """
    N15: a site learns nothing of how it was reached, and what is for one hop goes one hop.
    """
    dropped = {
        "Proxy-Authorization": "Basic c2VjcmV0",
        "Proxy-Connection": "keep-alive",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "X-One-Hop": "secret",
        "Connection": "X-One-Hop",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in dropped.items())
    head = f"GET /hops HTTP/1.1\r\nHost: {PLAIN}:{bed.plain.port}\r\nX-Kept: yes\r\n{lines}\r\n"
    said = head.encode()
    bed.plain.seen.clear()
    with socket.create_connection(("127.0.0.1", bed.plain.port), 5) as outside:
        outside.sendall(said)
        wait_until(lambda: bed.plain.seen != [])
    assert dropped.keys() <= bed.plain.seen.pop()[2].keys()
    code = f"""
one = socket.create_connection(({PLAIN!r}, {bed.plain.port}), 5)
one.sendall({said!r})
result = one.recv(4096).decode()
one.close()
"""
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert "200 OK" in result.raise_for_outcome().value
    assert {"Host", "X-Kept"} == set(bed.plain.seen.pop()[2]) - {"Connection"}
    granted_still_works(bed)
