"""
The addresses of this host, as far as an attacker would try them.
"""

from __future__ import annotations

import socket
from typing import Final

import psutil

LOOPBACK: Final = "127.0.0.1"
LOOPBACK_6: Final = "::1"


def own() -> str:
    """
    An IPv4 address of this host that is not loopback; "" if there is none.
    """
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family == socket.AF_INET and not each.address.startswith("127."):
                return each.address
    return ""


def reachable() -> list[str]:
    """
    Loopback of both kinds, and an address of this host that is neither, as far as there are.
    """
    return [address for address in (LOOPBACK, LOOPBACK_6, own()) if address and _exists(address)]


def family(address: str) -> socket.AddressFamily:
    """
    Of an address in text.
    """
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def free_port() -> int:
    """
    A port of the loopback that nobody listens on now.
    """
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


def _exists(address: str) -> bool:
    try:
        with socket.socket(family(address)) as one:
            one.bind((address, 0))
    except OSError:
        return False
    return True
