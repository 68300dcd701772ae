"""
Attacks N10 and N11: connections end with whatever let them be, and with what they may use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from toolcell_worker.battery.hellos import hello, named
from waiting import wait_until

from egress.asking import granted_still_works, reasons, run_to_the_death_of_the_egress
from egress.bed import GRANTED, PLAIN
from egress.saying import CONNECT

if TYPE_CHECKING:
    from egress.bed import Bed
    from egress.canaries import Canary

HOLD = """
import time
context = ssl.create_default_context()
one = socket.create_connection(({host!r}, {port}), 5)
try:
    context.wrap_socket(one, server_hostname={host!r})
except OSError as exc:
    result = str(exc)
"""


def _hold(canary: Canary) -> dict[str, Any]:
    """
    A tunnel to a canary, which says nothing; the tool waits for it.
    """
    code = HOLD.format(host=GRANTED, port=canary.tcp).replace(", 5)", ")")
    return {"code": code, "domains": [f"https://{GRANTED}:{canary.tcp}/"]}


def test_a_tunnel_ends_with_the_time_of_its_execution(bed: Bed, canary: Canary) -> None:
    """
    N11: the oracle is the other side, which sees the end.
    """
    result = bed.client.run("run_code", _hold(canary), limits={"wall_seconds": 4})

    assert ("exceeded(wall)", 1) == (result.label, len(canary.said))
    wait_until(lambda: canary.ended == ["tcp"], 5)
    granted_still_works(bed)


def test_a_tunnel_ends_when_its_execution_is_cancelled(bed: Bed, canary: Canary) -> None:
    stream = bed.client.execute("run_code", _hold(canary))
    execution_id = next(iter(stream)).execution_id
    wait_until(lambda: len(canary.said) == 1)
    assert [] == canary.ended
    bed.client.cancel(execution_id)

    wait_until(lambda: canary.ended == ["tcp"], 5)
    assert "cancelled" == stream.result().kind
    granted_still_works(bed)


def test_a_tunnel_ends_with_its_tool_although_a_program_of_it_lives_on(
    bed: Bed, canary: Canary
) -> None:
    arguments = _hold(canary)
    arguments["code"] = f"""
import os, socket, time
if os.fork() == 0:
    os.setsid()
    os.close(1), os.close(2)  # which our parent reads to their end
    one = socket.create_connection(("{GRANTED}", {canary.tcp}))
    one.send({hello(named(GRANTED.encode()))!r})
    time.sleep(60)
time.sleep(1)
"""
    result = bed.client.run("run_program", arguments, limits={"wall_seconds": 20})

    assert ("completed", 1) == (result.label, len(canary.said)), result
    wait_until(lambda: canary.ended == ["tcp"], 5)
    granted_still_works(bed)


@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "in plain HTTP"])
def test_bytes_beyond_the_budget_end_the_execution(bed: Bed, secure: bool) -> None:
    """
    N11: what came in before counts, whichever connection it came by.
    """
    make, host = (bed.url, GRANTED) if secure else (bed.plain_url, PLAIN)
    few, many = make("/bytes/1000", host), make("/bytes/400000", host)
    limits = {"network_bytes": 100_000}
    control = bed.client.run("fetch", {"url": few}, limits=limits)
    assert control.ok
    result = bed.client.run("fetch", {"url": many}, limits=limits)

    assert "exceeded(network)" == result.label
    granted_still_works(bed)


def test_bytes_that_go_out_are_held_against_the_budget(bed: Bed) -> None:
    limits = {"network_bytes": 100_000}
    code = f"urllib.request.urlopen({bed.plain_url('/post')!r}, data=b'x' * {{count}}).read()"
    arguments = {"domains": [bed.plain_url()]}
    control = bed.client.run(
        "run_code", {"code": code.format(count=1000), **arguments}, limits=limits
    )
    assert control.ok
    bed.plain.seen.clear()
    result = bed.client.run(
        "run_code", {"code": code.format(count=400_000), **arguments}, limits=limits
    )

    assert "exceeded(network)" == result.label
    granted_still_works(bed)


@pytest.mark.parametrize("host", [PLAIN, "127.0.0.1", "198.18.200.200"])
def test_connections_beyond_the_budget_end_the_execution(bed: Bed, host: str) -> None:
    """
    N11: attempts that are denied, too: each of them is told, and a log is somebody's disk.
    """
    arguments = {"domains": [bed.plain_url()]}
    limits = {"connections": 20, "wall_seconds": 10}
    named = {"host": host, "port": bed.plain.port}
    control = bed.client.run(
        "run_code",
        {"code": CONNECT.format(count=20, seconds=0, **named), **arguments},
        limits=limits,
    )
    assert "completed" == control.label
    log = len(bed.server.log.read_text().splitlines())
    result = bed.client.run(
        "run_code",
        {"code": CONNECT.format(count=2000, seconds=5, **named), **arguments},
        limits=limits,
    )

    assert "exceeded(network)" == result.label
    new = bed.server.log.read_text().splitlines()[log:]
    assert len(new) < 500
    assert [] != [line for line in new if "budget_spent" in line]
    granted_still_works(bed)


def test_requests_on_one_connection_are_held_against_the_budget(bed: Bed) -> None:
    """
    N11: or one connection would be as many as there are requests.
    """
    code = f"""
import http.client, time
one = http.client.HTTPConnection({PLAIN!r}, {bed.plain.port}, timeout=5)
for _ in range(30):
    one.request("GET", "/again")
    one.getresponse().read()
time.sleep(5)
"""
    bed.plain.seen.clear()
    arguments = {"code": code, "domains": [bed.plain_url()]}
    result = bed.client.run("run_code", arguments, limits={"connections": 20})

    assert ("exceeded(network)", 20) == (result.label, len(bed.plain.seen))
    granted_still_works(bed)


def test_when_the_egress_dies_nothing_gets_out_and_the_next_call_has_another(
    bed: Bed, canary: Canary
) -> None:
    """
    N10: there is no way past it; a cell that it served stays without a network.
    """
    granted_still_works(bed)
    [egress] = bed.egress()
    arguments = _hold(canary)
    arguments["code"] += f"""
for _ in range(20):
    try:
        socket.create_connection(({GRANTED!r}, {canary.tcp}), 1)
        result = "reached"
    except OSError: time.sleep(0.05)
"""
    result = run_to_the_death_of_the_egress(bed, canary, arguments)

    assert ("completed", 1) == (result.label, len(canary.touched))
    assert "reached" != result.value
    assert ("connect", "", "egress_died") in reasons(result)
    assert [egress] != bed.egress()
    assert 1 == len(bed.egress())
    granted_still_works(bed)


def test_the_egress_has_no_privilege_and_reads_no_secret(bed: Bed) -> None:
    """
    It reads what hostile code sends; whoever takes it over should find little.
    """
    granted_still_works(bed)
    [egress] = bed.egress()
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{egress}/status").read_text().splitlines()
        if ":\t" in line
    )

    assert {"0" * 16} == {status[name] for name in ("CapEff", "CapPrm", "CapAmb")}
    if os.geteuid() == 0:  # an ordinary user cannot empty it; no_new_privs makes it worthless
        assert "0" * 16 == status["CapBnd"]
    assert "1" == status["NoNewPrivs"]
    assert psutil.Process(egress).uids().real != 0
