"""
Whether a text holds a URL that leads inside, or to something that is no page.  Pure.

Theory of operation.  Addresses are written in many ways that programs understand: in one number, in
octal or hexadecimal, short, as IPv6.  Each is read as inet_aton(3) reads it.  What a name leads to
nobody knows before it is resolved; that is the egress's part, which decides by the address.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from toolcell_server.screens.readings import Unreadable

_MOST: Final = 256
_AUTHORITY: Final = re.compile(
    r"(?:^|[\s\"'(<=,:])(?:[a-z][a-z0-9+.-]{0,20}:)?[/\\]{2,4}([^/?#\s\"'<>]{1,256})"
)
_SCHEMES: Final = re.compile(
    r"\b(?:file|gopher|dict|ldaps?|jar|netdoc|tftp|sftp|phar|expect|php|view-source|imap|smtp|ftp)"
    r":/{1,2}\S|\bgopher:|\bjar:\w{1,8}:|(?:^|[\s\"'(=])(?:javascript|vbscript):\S"
    r"|\bdata:\w{1,32}/[\w+.-]{1,64}[;,]"
)
_LINES: Final = re.compile(r"\w{1,16}://[^\s]{0,512}[\r\n]")
_NAMES: Final = (
    *("localhost", "localtest.me", "lvh.me", "nip.io", "sslip.io", "xip.io", "vcap.me"),
    *("metadata.google.internal", "metadata.goog", "metadata", "instance-data", "internal"),
    *("local", "localdomain", "ip6-localhost", "kubernetes.default", "cluster.local"),
)
_PART: Final = re.compile(r"0x[0-9a-f]{0,8}|\d{1,12}")


def looks_like(text: str) -> bool:
    """
    Whether one reading of a text does.

    Raises:
        Unreadable: it holds more URLs than can be looked at in bounded time.
    """
    if _SCHEMES.search(text) or _LINES.search(text):
        return True
    authorities = {found[1] for found in _AUTHORITY.finditer(text)}
    if len(authorities) > _MOST:
        raise Unreadable
    return any(map(_leads_inside, authorities))


def _leads_inside(authority: str) -> bool:
    if "\\" in authority or authority.count("@") > 1:
        return True  # programs differ about where the host begins
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return _is_inside(host[1:].partition("]")[0].partition("%")[0])
    host = host.partition(":")[0].rstrip(".")
    named = any(host == name or host.endswith(f".{name}") for name in _NAMES)
    return named or _is_inside(_dotted(host))


def _is_inside(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global or found.is_multicast


def _dotted(host: str) -> str:
    """
    An IPv4 address as inet_aton(3) reads it; empty if it is none.
    """
    parts = host.split(".")
    if len(parts) > 4 or not all(_PART.fullmatch(part) for part in parts):
        return ""
    try:
        *first, last = [_number(part) for part in parts]
    except ValueError:
        return ""
    if any(part > 255 for part in first) or last >= 256 ** (4 - len(first)):
        return ""
    value = sum(part << 8 * (3 - place) for place, part in enumerate(first)) + last
    return str(ipaddress.IPv4Address(value))


def _number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if part.startswith("0") and len(part) > 1 else int(part)
