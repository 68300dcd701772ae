"""
Questions to the DNS, as a cell asks them: one, of a plain name, or none at all.  Pure.

Theory of operation.  Whoever asks is hostile code.  What it may rightly send is a few hundred
bytes: a header, one question, and perhaps an OPT record (RFC 1035 §4.1, RFC 6891 §6.1).  A full
library reads all that DNS ever was besides (compression, updates, signatures, some eighty types of
records), and each line of that would be surface for an attack outside of the cell.  So this is our
own, and it refuses whatever a stub resolver has no reason to send.

A name decides what the cell reaches, hence only letters, digits, hyphens and underscores are taken:
no dot inside a label and no NUL, on which two readers could disagree.  A pointer (RFC 1035 §4.1.4)
is refused where a label must stand, so a loop cannot even begin; each byte is read once.

Flags that mean nothing in a question (AA, RA, AD, CD, Z, the response code) are ignored, as clients
set some of them.  TC is refused: it says that something is missing.  Options of the OPT record are
not read at all.  A version of EDNS other than 0 is refused as malformed instead of as BADVERS (RFC
6891 §6.1.3), because clients then ask again without EDNS (§7), and that works.

Checked: where this reads a name, dnspython reads the same (tests, by properties and by fuzzing).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from toolcell_server.egress.octets import Misshapen, Octets

A: Final = 1
OPT: Final = 41
IN: Final = 1
HEADER: Final = struct.Struct("!6H")  # id, flags, and how many records each section has
MAXIMUM_BYTES: Final = 1024  # a question has at most 282 and its options, mostly padding (RFC 8467)
PLAIN_UDP_BYTES: Final = 512  # RFC 1035 §4.2.1; less is never meant (RFC 6891 §6.2.3)
RECURSION_DESIRED: Final = 0x0100

_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_TRUNCATED: Final = 0x0200
_MAXIMUM_NAME_BYTES: Final = 255  # with a length before each label and the zero at the end
_MAXIMUM_LABEL_BYTES: Final = 63
_POINTER: Final = 0xC0
_LABEL: Final = re.compile(rb"[A-Za-z0-9_-]+")


class Malformed(ValueError):  # noqa: N818  # names what happened
    """
    Raised when bytes are no question that is answered; the text names the fault, never the bytes.

    `message_id` is what an answer FORMERR must repeat.  It is None when nothing is to be answered:
    fewer than two bytes, or a response, since two who answer each other's answers never end.
    """

    def __init__(self, description: str, message_id: int | None = None) -> None:
        super().__init__(description)
        self.message_id = message_id


@dataclass(frozen=True, slots=True)
class Question:
    """
    One question of class IN.

    `name` is in lower case and has no dot at its end; the root is "".  `udp_bytes` is what who asks
    can take in one datagram.  `wire` is the question as it came: some mix the cases of a name at
    random, and believe only an answer that repeats them ("DNS 0x20").
    """

    message_id: int
    name: str
    type: int
    recursion_desired: bool
    edns: bool
    udp_bytes: int
    wire: bytes


def parse(message: bytes) -> Question:
    """
    The question that a message, from UDP or out of its frame of TCP, asks.

    Raises:
        Malformed: it is anything else than one plain question.
    """
    try:
        return _message(message)
    except Misshapen as fault:
        raise Malformed(str(fault), _answerable(message)) from None


def _answerable(message: bytes) -> int | None:
    if len(message) < 2 or (len(message) > 2 and message[2] & _RESPONSE >> 8):
        return None
    return int.from_bytes(message[:2], "big")


def _message(message: bytes) -> Question:
    if len(message) > MAXIMUM_BYTES:
        raise Misshapen(f"{len(message)} bytes, and a question has at most {MAXIMUM_BYTES}")
    octets = Octets(message)
    message_id, flags, *counts = HEADER.unpack(octets.take(HEADER.size))
    _check_header(flags, counts)
    name = _name(octets)
    kind, class_ = octets.number(2), octets.number(2)
    if class_ != IN:
        raise Misshapen(f"class {class_}, and only IN is answered")
    wire = message[HEADER.size : octets.position]
    edns = counts[3] == 1
    udp_bytes = max(_option_record(octets), PLAIN_UDP_BYTES) if edns else PLAIN_UDP_BYTES
    octets.end()
    desired = bool(flags & RECURSION_DESIRED)
    return Question(message_id, name, kind, desired, edns, udp_bytes, wire)


def _check_header(flags: int, counts: list[int]) -> None:
    """
    RFC 1035 §4.1.1.
    """
    if flags & _RESPONSE:
        raise Misshapen("a response")
    if flags & _OPCODE:
        raise Misshapen("an operation other than QUERY")
    if flags & _TRUNCATED:
        raise Misshapen("truncated, as it says itself")
    questions, answers, authorities, additional = counts
    if questions != 1:
        raise Misshapen(f"{questions} questions instead of one")
    if answers or authorities or additional > 1:
        raise Misshapen("records beyond one OPT")


def _name(octets: Octets) -> str:
    """
    The name that begins here; RFC 1035 §3.1, RFC 1034 §3.5 with the underscore (RFC 8552).
    """
    labels: list[bytes] = []
    start = octets.position
    while length := octets.number(1):
        if length >= _POINTER:
            raise Misshapen("a pointer in a question")
        if length > _MAXIMUM_LABEL_BYTES:
            raise Misshapen(f"a label longer than {_MAXIMUM_LABEL_BYTES} bytes")
        label = octets.take(length)
        if not _LABEL.fullmatch(label):
            raise Misshapen("a byte in a name that is no letter, digit, hyphen or underscore")
        labels.append(label)
        if octets.position - start >= _MAXIMUM_NAME_BYTES:
            raise Misshapen(f"a name longer than {_MAXIMUM_NAME_BYTES} bytes")
    return b".".join(labels).decode("ascii").lower()


def _option_record(octets: Octets) -> int:
    """
    How many bytes of UDP an OPT record says that its sender takes; RFC 6891 §6.1.2 and §6.1.3.
    """
    if octets.number(1) != 0 or octets.number(2) != OPT:
        raise Misshapen("an additional record that is no OPT")
    udp_bytes = octets.number(2)
    _extended_code, version, _flags = octets.number(1), octets.number(1), octets.number(2)
    if version != 0:
        raise Misshapen(f"version {version} of EDNS")
    octets.take(octets.number(2))
    return udp_bytes
