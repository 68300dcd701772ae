"""
Who is counted: a principal by its name, anybody else by the host that he calls from.  Pure.

Theory of operation.  Callers without a name would be one subject, and the first to flood would take
the places of all.  So they are told apart by the address of their connection, which nobody can
choose freely: an IPv4 address, or the first half of an IPv6 address, of which one line has the
other half to itself (RFC 6177).  Whoever calls over a Unix socket, or whose origin nobody knows, is
`anonymous`.  Names of principals never meet these: each begins with its kind.

A name is whatever an issuer of tokens has written.  One that is long, or that no database or
terminal takes as it is, is shown in part and told apart by its hash.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from toolcell_server.principal import Principal

ANONYMOUS: Final = "anonymous"
_INTERFACE_BITS: Final = 64
_LONGEST_NAME: Final = 128
_SHOWN: Final = 64


def subject(caller: Principal) -> str:
    """
    `principal:alice`, `peer:192.0.2.1`, `peer:2001:db8::/64` or `anonymous`.
    """
    if caller.name:
        return f"principal:{_plain(caller.name)}"
    host = _host(caller.origin)
    return f"peer:{host}" if host else ANONYMOUS


def _plain(name: str) -> str:
    if len(name) <= _LONGEST_NAME and name.isprintable():
        return name
    data = name.encode(errors="backslashreplace")
    shown = data[:_SHOWN].decode("ascii", errors="ignore")
    shown = "".join(letter for letter in shown if letter.isprintable())
    return f"{shown}…{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def _host(origin: str) -> str:
    """
    The host of an origin as gRPC writes it: `ipv4:192.0.2.1:4711`, `ipv6:%5B2001:db8::1%5D:4711`.
    """
    text = unquote(origin).removeprefix("ipv4:").removeprefix("ipv6:")
    host = text.removeprefix("[").partition("]")[0] if "[" in text else text.rpartition(":")[0]
    try:
        address = ip_address((host or text).partition("%")[0])
    except ValueError:
        return ""
    return _line(address)


def _line(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    first = IPv6Address(int(address) >> _INTERFACE_BITS << _INTERFACE_BITS)
    return f"{first}/{_INTERFACE_BITS}"
