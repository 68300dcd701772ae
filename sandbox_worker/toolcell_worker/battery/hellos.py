"""
ClientHellos, built part by part: what no library would say (RFC 8446 4.1.2).
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_NAME, ALPN, VERSIONS, PRE_SHARED_KEY = 0, 16, 43, 41
ENCRYPTED, ESNI = 0xFE0D, 0xFFCE


def vector(width: int, data: bytes) -> bytes:
    """
    Bytes behind their length.
    """
    return len(data).to_bytes(width, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    """
    An extension of any kind.
    """
    return kind.to_bytes(2, "big") + vector(2, data)


def named(*names: bytes, kind: int = 0) -> bytes:
    """
    The extension server_name with these names.
    """
    entries = b"".join(bytes([kind]) + vector(2, each) for each in names)
    return extension(SERVER_NAME, vector(2, entries))


def body(
    *extensions: bytes,
    version: int = 0x0303,
    session: bytes = bytes(32),
    suites: bytes = b"\x13\x01\xc0\x2f",
    compressions: bytes = b"\0",
) -> bytes:
    """
    The body of a hello.
    """
    start = version.to_bytes(2, "big") + bytes(range(32))
    chosen = vector(1, session) + vector(2, suites) + vector(1, compressions)
    return start + chosen + vector(2, b"".join(extensions))


def handshake(of: bytes, kind: int = 1) -> bytes:
    """
    A handshake message.
    """
    return bytes([kind]) + vector(3, of)


def record(fragment: bytes, kind: int = 22, version: int = 0x0301) -> bytes:
    """
    One record.
    """
    return struct.pack("!BH", kind, version) + vector(2, fragment)


def records(message: bytes, cuts: Iterable[int] = ()) -> bytes:
    """
    A handshake message in records that are cut at these places.
    """
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(message)}), len(message)]
    return b"".join(record(message[a:b]) for a, b in itertools.pairwise(places))


def hello(*extensions: bytes) -> bytes:
    """
    A whole hello, in one record.
    """
    return records(handshake(body(*extensions)))
