"""
Questions to the DNS as resolvers send them, byte for byte, and messages that nobody should send.
"""

from __future__ import annotations

import struct
from typing import Final

HEADER: Final = struct.Struct("!6H")
DESIRED: Final = 0x0100
AUTHENTIC: Final = 0x0020
CHECKED_BY_US: Final = 0x0010
COOKIE: Final = struct.pack("!HH", 10, 8) + bytes.fromhex("0123456789abcdef")


def name(text: str) -> bytes:
    labels = [part.encode("latin-1") for part in text.split(".")] if text else []
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(text: str = "example.com", kind: int = 1, class_: int = 1) -> bytes:
    return name(text) + struct.pack("!HH", kind, class_)


def option_record(
    udp_bytes: int = 1232, options: bytes = b"", *, version: int = 0, flags: int = 0
) -> bytes:
    return struct.pack("!BHHBBHH", 0, 41, udp_bytes, 0, version, flags, len(options)) + options


def message(
    *sections: bytes,
    message_id: int = 0x1234,
    flags: int = DESIRED,
    counts: tuple[int, int, int, int] = (1, 0, 0, 0),
) -> bytes:
    return HEADER.pack(message_id, flags, *counts) + b"".join(sections)


def with_edns(asked: bytes, record: bytes, flags: int = DESIRED) -> bytes:
    return message(asked, record, flags=flags, counts=(1, 0, 0, 1))


# What clients send; each is a question for example.com.
REAL: Final = {
    "glibc asks for an address": message(question()),
    "glibc asks for an address of version 6": message(question(kind=28)),
    "glibc with options edns0 trust-ad": with_edns(
        question(), option_record(1200), DESIRED | AUTHENTIC
    ),
    "dig": with_edns(question(), option_record(1232, COOKIE), DESIRED | AUTHENTIC),
    "dig +noedns +norecurse": message(question(), flags=AUTHENTIC),
    "dig +dnssec +cdflag": with_edns(
        question(), option_record(1232, COOKIE, flags=0x8000), DESIRED | AUTHENTIC | CHECKED_BY_US
    ),
    "c-ares": with_edns(question(), option_record(1232)),
    "c-ares with mixed cases": with_edns(question("eXaMPle.cOM"), option_record(1232, COOKIE)),
    "a browser asks for HTTPS": message(question(kind=65)),
    "unbound pads to 128 bytes": with_edns(
        question(), option_record(1232, struct.pack("!HH", 12, 84) + bytes(84))
    ),
}

LONGEST: Final = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
