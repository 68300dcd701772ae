"""
Attacks on the network: past whoever answers in the cell, straight to the host.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from toolcell_worker.battery import kernel_sockets
from toolcell_worker.battery.abroad import SECONDS, visit
from toolcell_worker.battery.questions import ANY, TXT, A, ask, question
from toolcell_worker.battery.trying import every

if TYPE_CHECKING:
    from collections.abc import Callable

FAST_OPEN = 0x2000_0000  # MSG_FASTOPEN, linux/socket.h
# A program of its own, which shares nothing with its parent.
PROGRAM = """
import json, socket, sys
for host, port in json.loads(sys.argv[1]):
    try:
        socket.create_connection((host, port), 2).close()
    except OSError as exc:
        print(exc)
"""


def reach_the_host_by_address(plan: dict[str, Any]) -> Any:
    """
    Over TCP, with and without a handshake first, and over UDP.
    """
    visit(plan)
    return _reach(plan)


def reach_the_host_without_a_grant(plan: dict[str, Any]) -> Any:
    """
    The same from a cell that was granted no host.
    """
    return _reach(plan)


def reach_the_host_by_every_notation(plan: dict[str, Any]) -> Any:
    """
    As each of the ways in which addresses are written.
    """
    visit(plan)
    return every(**{f"{host} {port}": _connecting(host, port) for host, port in plan["notations"]})


def open_sockets_of_other_kinds(plan: dict[str, Any]) -> Any:
    """
    What is neither TCP nor UDP, from a cell that has both.
    """
    visit(plan)
    return [
        attack(plan)
        for attack in (
            kernel_sockets.compute_by_the_kernels_ciphers,
            kernel_sockets.talk_to_the_hypervisor,
            kernel_sockets.ask_for_interfaces_by_netlink,
            kernel_sockets.see_packets,
            kernel_sockets.send_raw_packets,
            kernel_sockets.try_every_odd_family,
            kernel_sockets.try_odd_transports,
        )
    ]


def ask_a_name_server_itself(plan: dict[str, Any]) -> Any:
    """
    The granted name is known to it, and the name of what is asked is a message.
    """
    visit(plan)
    server = tuple(plan["resolver"])
    return every(
        **{
            str(kind): lambda kind=kind: ask(server, question(plan["name"], kind))
            for kind in (A, TXT, ANY)
        }
    )


def reach_the_host_by_a_bare_program(plan: dict[str, Any]) -> Any:
    """
    Without any variable that could name a proxy, and by a program that was told of none.
    """
    visit(plan)
    os.environ.clear()
    os.environ["NO_PROXY"] = "*"
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps(plan["tcp"])]
    return [_reach(plan), subprocess.run(command, capture_output=True, env={}, check=False).stdout]


def _reach(plan: dict[str, Any]) -> dict[str, Any]:
    ways: dict[str, Callable[[], Any]] = {}
    for host, port in plan["tcp"]:
        ways[f"tcp {host}"] = _connecting(host, port)
        ways[f"fast open {host}"] = _sending(socket.SOCK_STREAM, host, port, FAST_OPEN)
    for host, port in plan["udp"]:
        ways[f"udp {host}"] = _sending(socket.SOCK_DGRAM, host, port)
    return every(**ways)


def _connecting(host: str, port: int) -> Callable[[], Any]:
    return lambda: socket.create_connection((host, port), SECONDS).close()


def _sending(kind: int, host: str, port: int, flags: int = 0) -> Callable[[], Any]:
    def send() -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, kind) as one:
            one.settimeout(SECONDS)
            return one.sendto(b"x", flags, (host, port))

    return send
