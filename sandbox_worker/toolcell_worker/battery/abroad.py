"""
How attacks on the network find and reach hosts, in a cell as outside of one.

Theory of operation.  A plan says where the battery's name server is, and which host was granted.
The same code runs as the control and in a cell: it asks for names by hand, of that name server
itself where no wall keeps it from doing so, else of the one that answers in a cell.  Neither the
host's own name servers nor its settings are asked, so that nothing of an attack leaves the host.
Where a cell has a proxy and no name server, that is asked for a tunnel.
`visit` reaches the granted host: an attack in a cell that has no network at all proves nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery.questions import AAAA, PATIENT_SECONDS, A, addresses, ask, question
from toolcell_worker.http_proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INSIDE = ("127.0.0.1", 53)
SECONDS = PATIENT_SECONDS
KNOCK_SECONDS = 0.3  # arbitrary; long enough for a connection on the loopback
READ_BYTES = 64 * 1024


def lookup(plan: dict[str, Any], name: str) -> list[str]:
    """
    The addresses of a name; an address is its own.

    Raises:
        OSError: nobody could tell.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    server = answerer(plan)
    answers = [(kind, ask(server, question(name, kind))) for kind in (A, AAAA)]
    return [each for kind, answer in answers for each in addresses(answer, kind)]


def answerer(plan: dict[str, Any]) -> tuple[str, int]:
    """
    The name server to ask: the one outside if it can be reached.
    """
    outside = (str(plan["resolver"][0]), int(plan["resolver"][1]))
    try:
        ask(outside, question(plan["granted"][0], A))
    except OSError:
        return INSIDE
    return outside


def connect(plan: dict[str, Any], name: str, port: int) -> socket.socket:
    """
    A connection to the first address of a name that takes one, or through the cell's proxy.

    Raises:
        OSError: none does.
    """
    if proxy := Proxy.found():
        with contextlib.suppress(OSError):
            return tunnel(proxy, name, port)
    for address in lookup(plan, name):
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), SECONDS)
    raise OSError(f"{name} cannot be reached")


def tunnel(proxy: Proxy, name: str, port: int) -> socket.socket:
    """
    What a proxy connects to (RFC 9110 9.3.6).

    Raises:
        OSError: it does not.
    """
    host = f"{name}:{port}"
    lines = [f"CONNECT {host} HTTP/1.1", f"Host: {host}"]
    lines += [f"{header}: {value}" for header, value in proxy.headers.items()]
    one = socket.create_connection((proxy.host, proxy.port), SECONDS)
    one.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n") and (piece := one.recv(1)):
        answer += piece
    if not answer.startswith(b"HTTP/1.1 200"):
        one.close()
        raise OSError(f"the proxy says {answer[:80]!r}")
    return one


def get(
    plan: dict[str, Any],
    name: str,
    port: int,
    path: str,
    *headers: str,
    seconds: float = SECONDS,
) -> str:
    """
    A page, with its head.

    Raises:
        OSError: it could not be had.
    """
    lines = [f"GET {path} HTTP/1.1", f"Host: {name}:{port}", "Connection: close", *headers]
    with connect(plan, name, port) as one:
        one.settimeout(seconds)
        one.sendall("\r\n".join([*lines, "", ""]).encode())
        return read(one).decode("latin-1")


def knock(plan: dict[str, Any], name: str, port: int) -> str:
    """
    The same; outside of a cell, where whoever is reached may be silent, only for a moment.

    Raises:
        OSError: nobody was reached.
    """
    seconds = SECONDS if answerer(plan) == INSIDE else KNOCK_SECONDS
    return get(plan, name, port, "/smuggled", seconds=seconds)


def visit(plan: dict[str, Any], path: str = "/granted") -> str:
    """
    A page of the granted host.

    Raises:
        OSError: it could not be had.
    """
    return get(plan, *plan["granted"], path)


def read(one: socket.socket) -> bytes:
    """
    What comes until the other side ends, or falls silent.
    """
    data = b""
    with contextlib.suppress(OSError):
        while piece := one.recv(READ_BYTES):
            data += piece
    return data


def say_all(
    plan: dict[str, Any], place: Sequence[Any], sayings: Iterable[bytes], seconds: float
) -> list[str]:
    """
    Say each on a connection of its own, all at once; what was answered to each in so much time.
    """
    opened = []
    for said in sayings:
        one = connect(plan, *place)
        opened.append(one)
        with contextlib.suppress(OSError):
            one.sendall(said)
    end = time.monotonic() + seconds
    answers = []
    for one in opened:
        with one:
            one.settimeout(max(0.01, end - time.monotonic()))
            answers.append(read(one).decode("latin-1"))
    return answers
