"""
On a host without namespaces no cell reaches the network past its proxy.

Oracles are outside of the cells: canaries count who touches them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from waiting import wait_until

from egress.asking import granted_still_works

if TYPE_CHECKING:
    from egress.bed import Bed
    from egress.canaries import Canary

DIRECT = """
import json, os, socket
os.environ.clear()
result = {{}}
def attempt(name, action):
    try:
        action()
        result[name] = "done"
    except OSError as exc:
        result[name] = exc.strerror or str(exc)
def connect(family, host, protocol=0):
    with socket.socket(family, socket.SOCK_STREAM, protocol) as one:
        one.settimeout(2)
        one.connect((host, {tcp}))
        one.send(b"x")
def fast_open(option):
    with socket.socket() as one:
        if option:
            one.setsockopt(socket.IPPROTO_TCP, 30, 1)
            one.connect(("127.0.0.1", {tcp}))
            one.send(b"x")
        else:
            one.sendto(b"x", 0x20000000, ("127.0.0.1", {tcp}))
def send(family, host):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (host, {udp}))
attempt("tcp", lambda: connect(socket.AF_INET, "127.0.0.1"))
attempt("tcp by another address", lambda: connect(socket.AF_INET, "127.0.0.2"))
attempt("tcp to anybody", lambda: connect(socket.AF_INET, "0.0.0.0"))
attempt("tcp 6", lambda: connect(socket.AF_INET6, "::1"))
attempt("tcp mapped", lambda: connect(socket.AF_INET6, "::ffff:127.0.0.1"))
attempt("mptcp", lambda: connect(socket.AF_INET, "127.0.0.1", 262))
attempt("fast open", lambda: fast_open(False))
attempt("fast open by an option", lambda: fast_open(True))
attempt("udp", lambda: send(socket.AF_INET, "127.0.0.1"))
attempt("udp 6", lambda: send(socket.AF_INET6, "::1"))
def listen(bound):
    with socket.socket() as one:
        if bound:
            one.bind(("127.0.0.1", 0))
        else:
            one.listen()
attempt("listen", lambda: listen(False))
attempt("bind", lambda: listen(True))
for name, of in {{"sctp": (2, 1, 132), "smc": (43, 1, 0), "raw": (2, 3, 1), "unix": (1, 1, 0),
                "netlink": (16, 3, 0), "packet": (17, 3, 0), "vsock": (40, 1, 0)}}.items():
    attempt(name, lambda: socket.socket(*of).close())
"""
# Each touches the canary once, outside, where it works.
TOUCHING = {"tcp", "tcp by another address", "tcp to anybody", "tcp 6", "tcp mapped", "mptcp"} | {
    *("fast open", "fast open by an option", "udp", "udp 6"),
}
# What must work outside, so that its failure in a cell says something; others may lack here.
WORKS = TOUCHING - {"mptcp"} | {"listen", "bind", "unix", "netlink"}


@pytest.mark.parametrize("granted", [True, False], ids=["with domains", "without domains"])
def test_no_cell_reaches_the_network_itself(proxied: Bed, canary: Canary, granted: bool) -> None:
    """
    N1, N2, N13: whatever it makes of its environment.  Fast open and MPTCP pass Landlock by, so
    the filter must not; who was touched decides.
    """
    code = DIRECT.format(tcp=canary.tcp, udp=canary.udp)
    program = [sys.executable, "-c", f"{code}\nprint(json.dumps(result))"]
    outside = json.loads(subprocess.check_output(program, text=True, timeout=60))
    works = {name for name, said in outside.items() if said == "done"}
    assert WORKS <= works
    wait_until(lambda: len(canary.touched) == len(TOUCHING & works))
    canary.touched.clear()
    arguments = {"code": code, **({"domains": [proxied.plain_url()]} if granted else {})}
    result = proxied.client.run("run_code" if granted else "run_alone", arguments)

    value = result.raise_for_outcome().value
    assert [] == [name for name, said in value.items() if said == "done"]
    assert ([], value.keys()) == (canary.touched, outside.keys())
    granted_still_works(proxied)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_tool_without_domains_has_neither_sockets_nor_a_proxy(
    proxied: Bed, family: str, kind: str
) -> None:
    """
    N10.
    """
    code = "import os\nresult = [name for name in os.environ if 'PROXY' in name.upper()]\ntry:\n"
    code += f"    socket.socket(socket.{family}, socket.{kind})\nexcept PermissionError: pass\n"
    code += "else: result.append('a socket')"
    result = proxied.client.run("run_alone", {"code": code})

    assert [] == result.raise_for_outcome().value
