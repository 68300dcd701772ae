"""
Attacks N1, N2, N10, N12 and N13: past the egress, straight to the network.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import TYPE_CHECKING

import dns.message
import pytest
from toolcell_server.battery import addresses
from waiting import wait_until

from egress.asking import granted_still_works

if TYPE_CHECKING:
    from egress.bed import Bed
    from egress.canaries import Canary

# What each does is decided by who was touched; the words are for people.
REACH = """
import json, socket
result = {{}}
def attempt(name, action):
    try:
        action()
        result[name] = "done"
    except Exception as exc:
        result[name] = str(exc)
def connect(host):
    with socket.create_connection((host, {tcp}), 2) as one:
        one.send(b"x")
def send(family, host):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (host, {udp}))
def fast_open(host):
    with socket.socket() as one:
        one.sendto(b"x", 0x20000000, (host, {tcp}))
for host in {hosts}:
    attempt("tcp " + host, lambda: connect(host))
for host in {plain}:
    attempt("udp " + host, lambda: send(socket.AF_INET, host))
    attempt("fast open " + host, lambda: fast_open(host))
attempt("udp ::1", lambda: send(socket.AF_INET6, "::1"))
print(json.dumps(result))
"""
BARE = "import os\nos.environ.clear()\nos.environ['NO_PROXY'] = '*'\n"
OPEN = """
import json, socket
result = {}
for name, of in {
    "icmp": (2, 2, 1), "raw": (2, 3, 255), "raw icmp": (2, 3, 1), "raw 6": (10, 3, 58),
    "icmp 6": (10, 2, 58), "sctp": (2, 1, 132), "mptcp": (2, 1, 262), "udp lite": (2, 2, 136),
    "netlink": (16, 3, 0), "packet": (17, 3, 0), "vsock": (40, 1, 0), "alg": (38, 5, 0),
    "unix": (1, 1, 0), "unix datagram": (1, 2, 0), "bluetooth": (31, 3, 1), "xdp": (44, 3, 0),
}.items():
    try:
        socket.socket(*of).close()
        result[name] = "open"
    except OSError as exc:
        result[name] = exc.strerror
print(json.dumps(result))
"""
ASK = """
import socket
result = []
for place in {places}:
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.5)
    try:
        asking.sendto(bytes.fromhex("{query}"), tuple(place))
        result.append(asking.recv(512).hex())
    except OSError as exc:
        result.append(str(exc))
    asking.close()
"""
LISTEN = """
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("0.0.0.0", 18181))
listener.settimeout(4)
{own}
result = 0
try:
    while True:
        listener.recv(1)
        result += 1
        listener.settimeout(1)
except OSError:
    pass
"""
SEND = """
for host in ("127.0.0.1", "198.18.0.1", "198.18.0.2", "0.0.0.0"):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (host, 18181))
"""


def _reach(canary: Canary) -> str:
    plain = ["127.0.0.1", *filter(None, [addresses.own()])]
    strange = ["localhost", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "::ffff:127.0.0.1"]
    hosts = [*plain, *strange, "::1", "::1%lo", "0.0.0.0", "::"]
    return REACH.format(tcp=canary.tcp, udp=canary.udp, hosts=hosts, plain=plain)


@pytest.mark.parametrize("tool", ["run_code", "run_program", "run_alone", "without domains"])
def test_no_cell_reaches_the_host_by_an_address(bed: Bed, canary: Canary, tool: str) -> None:
    """
    N1, N3 and N13: addresses in every notation, over TCP and UDP, with an environment of its own.
    """
    code = _reach(canary)
    outside: dict[str, dict[str, str]] = {}
    exec(code, outside)
    through = list(outside["result"].values()).count("done")
    assert through >= 9
    wait_until(lambda: len(canary.touched) == through)
    canary.touched.clear()
    granted = {} if tool in {"run_alone", "without domains"} else {"domains": [bed.plain_url()]}
    name = "run_code" if tool == "without domains" else tool
    result = bed.client.run(name, {"code": BARE + code, **granted})

    assert ("completed", []) == (result.label, canary.touched), result
    granted_still_works(bed)


@pytest.mark.parametrize("tool", ["run_code", "run_program", "run_alone"])
def test_no_cell_opens_a_socket_of_another_kind(bed: Bed, tool: str) -> None:
    """
    N1: what is no plain TCP or UDP is kernel code that nobody here needs.
    """
    outside: dict[str, dict[str, str]] = {}
    exec(OPEN, outside)
    anybody_opens = {"netlink", "unix"} | ({"raw icmp"} if os.geteuid() == 0 else set())
    assert anybody_opens <= {k for k, v in outside["result"].items() if v == "open"}
    granted = {} if tool == "run_alone" else {"domains": [bed.plain_url()]}
    value = bed.client.run(tool, {"code": OPEN, **granted}).raise_for_outcome().value
    inside = json.loads(value) if isinstance(value, str) else value

    assert [] == [name for name, said in inside.items() if said == "open"]
    assert inside.keys() == outside["result"].keys()
    granted_still_works(bed)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_tool_without_domains_has_no_sockets(bed: Bed, family: str, kind: str) -> None:
    """
    N10: nothing granted is nothing there, not a network that refuses.
    """
    code = f"socket.socket(socket.{family}, socket.{kind}).close()"
    exec(code, {"socket": socket})
    result = bed.client.run("run_alone", {"code": code})

    assert "failed" == result.label
    granted_still_works(bed)


def test_no_cell_asks_a_name_server_itself(bed: Bed) -> None:
    """
    N2: neither ours nor a public one; the answerer in the cell is the only one there is.
    """
    host, _, port = bed.resolver.partition(":")
    query = dns.message.make_query("direct.example.test", "A").to_wire().hex()
    own = [[host, int(port)]]
    outside: dict[str, object] = {"socket": socket}
    exec(ASK.format(places=own, query=query), outside)
    assert bed.names.asked.count("direct.example.test") == 1
    places = [*own, ["8.8.8.8", 53], ["1.1.1.1", 53], ["8.8.8.8", 5353]]
    code = ASK.format(places=places, query=query)
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    said = result.raise_for_outcome().value
    assert len(places) == len([each for each in said if "rrno" in each or "timed out" in each])
    assert bed.names.asked.count("direct.example.test") == 1
    granted_still_works(bed)


def test_no_cell_reaches_what_another_cell_listens_on(bed: Bed) -> None:
    """
    N12: each has a network of its own, though they bear the same addresses.
    """
    arguments = {"domains": [bed.plain_url()]}
    control = bed.client.run("run_code", {"code": LISTEN.format(own=SEND), **arguments})
    assert control.raise_for_outcome().value == 4
    found: list[object] = []

    def listen() -> None:
        code = LISTEN.format(own="")
        found.append(bed.client.run("run_code", {"code": code, **arguments}).value)

    thread = threading.Thread(target=listen)
    thread.start()
    while thread.is_alive():
        bed.client.run("run_code", {"code": SEND, **arguments}).raise_for_outcome()
    thread.join()

    assert [0] == found
    granted_still_works(bed)


def test_no_cell_listens_for_connections(bed: Bed) -> None:
    """
    N12: beside the egress's own listeners there is none that anybody could reach.
    """
    code = "socket.create_server(('127.0.0.1', 0)).close()"
    exec(code, {"socket": socket})
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert "failed" == result.label
    granted_still_works(bed)
