"""
Measures the way to the upstream: run as a tool in a cell, and as a program outside of any.

Theory of operation.  Both ways run these very lines, so that the clients' own work is the same and
cancels out.  A request is 64 bytes that begin with how many are to come back, in 8 of them; over
HTTP it is `GET /COUNT`.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import ssl
import sys
import time

from toolcell_worker import tool

PORT = int(os.environ["BENCH_PORT"])
REQUEST_BYTES = 64
BUFFER_BYTES = 256 * 1024
WARM_UP = 20


@tool
def nothing() -> None:
    """
    Does nothing, in a cell without a network.
    """


@tool(domains=[f"tcp://tcp.example.test:{PORT}"])
def nothing_granted() -> None:
    """
    Does nothing, in a cell with a network of its own.
    """


@tool(
    domains=[
        *(f"{protocol}://{protocol}.example.test:{PORT}" for protocol in ("tcp", "tls", "http")),
        f"tcp://*.tcp.example.test:{PORT}",
    ]
)
def measure(what: str, protocol: str, address: str, amount: int) -> dict[str, list[float]]:
    """
    Seconds of each thing that is measured.

    Args:
        what: connections, first_connections (each to a new name), round_trips or download.
        protocol: tcp, tls or http.
        address: Where to connect to; empty for the name.
        amount: How many times, or bytes.
    """
    where = address or f"{protocol}.example.test"
    match what:
        case "connections":
            return connections(protocol, [where] * (WARM_UP + amount))
        case "first_connections":
            new = os.urandom(8).hex()  # in another round, too
            names = [f"{new}-{each}.{where}" for each in range(WARM_UP + amount)]
            return connections(protocol, names)
        case "round_trips":
            return round_trips(protocol, where, amount)
        case _:
            return download(protocol, where, amount)


def connections(protocol: str, names: list[str]) -> dict[str, list[float]]:
    """
    One after another, each until a byte of the upstream has come through it.
    """
    found: dict[str, list[float]] = {"lookup": [], "connect": [], "through": []}
    for name in names:
        began = time.perf_counter()
        address = socket.getaddrinfo(name, PORT, type=socket.SOCK_STREAM)[0][4]
        looked_up = time.perf_counter()
        with socket.create_connection((str(address[0]), PORT)) as plain:
            connected = time.perf_counter()
            with _ready(plain, protocol) as one:
                _ask(one, protocol, 1)
                through = time.perf_counter()
        found["lookup"].append(looked_up - began)
        found["connect"].append(connected - looked_up)
        found["through"].append(through - looked_up)
    return {part: seconds[WARM_UP:] for part, seconds in found.items()}


def round_trips(protocol: str, where: str, amount: int) -> dict[str, list[float]]:
    """
    On one connection.
    """
    seconds = []
    with _ready(socket.create_connection((where, PORT)), protocol) as one:
        for _ in range(WARM_UP + amount):
            began = time.perf_counter()
            _ask(one, protocol, REQUEST_BYTES)
            seconds.append(time.perf_counter() - began)
    return {"round trip": seconds[WARM_UP:]}


def download(protocol: str, where: str, amount: int) -> dict[str, list[float]]:
    """
    One body.
    """
    with _ready(socket.create_connection((where, PORT)), protocol) as one:
        began = time.perf_counter()
        _ask(one, protocol, amount)
        return {"download": [time.perf_counter() - began]}


def _ready(plain: socket.socket, protocol: str) -> socket.socket:
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if protocol != "tls":
        return plain
    return _context().wrap_socket(plain, server_hostname="tls.example.test")


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _ask(one: socket.socket, protocol: str, count: int) -> None:
    """
    Ask for so many bytes, and take them all.
    """
    buffer = bytearray(min(BUFFER_BYTES, count + 4096))
    if protocol == "http":
        request = f"GET /{count} HTTP/1.1\r\nHost: http.example.test:{PORT}\r\n\r\n".encode()
        one.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += _some(one.recv(BUFFER_BYTES))
        count -= len(head.partition(b"\r\n\r\n")[2])
    else:
        one.sendall(count.to_bytes(8, "big").ljust(REQUEST_BYTES, b"x"))
    while count:
        came = one.recv_into(buffer)
        if not came:
            raise ConnectionError(f"it ended {count} bytes early")
        count -= came


def _some(data: bytes) -> bytes:
    if not data:
        raise ConnectionError("it ended before its head did")
    return data


if __name__ == "__main__":
    asked, over, to, many = sys.argv[1:]
    print(json.dumps(measure(asked, over, to, int(many))))
