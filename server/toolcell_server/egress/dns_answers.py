"""
Answers to a cell's questions.  Pure.

Theory of operation.  There are five.  A granted name has one address (`address`) and nothing else
(`empty`, for AAAA, HTTPS, TXT and all other types: NOERROR without records, so that who asks goes
on with the address).  Any other name does not exist (`refused_name`): NXDOMAIN is final, and what
libraries report best, while glibc takes REFUSED for a passing fault (EAI_AGAIN) and asks again.
Why it does not exist stands beside it, for who can read it: "Blocked" (RFC 8914 §4.16).  If the
service itself fails, that is SERVFAIL (`failed`), and what is no question is FORMERR (`malformed`).

We are where these names end, so AA is set in what we know; RA is set always, as without either
glibc takes an empty answer for a referral.  No answer has a SOA, hence nobody may remember that a
name did not exist (RFC 2308 §5).  Who sent an OPT record gets one (RFC 6891 §6.1.1).

The longest answer, the longest question with a record of 16 bytes and an OPT of 11, has 298 bytes:
none is ever truncated (RFC 1035 §4.2.1), so nobody has to come again over TCP.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.dns import HEADER, IN, MAXIMUM_BYTES, OPT, RECURSION_DESIRED, A

if TYPE_CHECKING:
    from toolcell_server.egress.dns import Question

NO_ERROR: Final = 0
FORMAT_ERROR: Final = 1
SERVER_FAILURE: Final = 2
NAME_ERROR: Final = 3  # NXDOMAIN
EXTENDED_ERROR: Final = 15  # an option of OPT, RFC 8914 §2
BLOCKED: Final = 15  # by policy of whom it asked; 17 would be by its own wish

_RESPONSE: Final = 0x8000
_AUTHORITATIVE: Final = 0x0400
_RECURSION_AVAILABLE: Final = 0x0080
_NAME_OF_QUESTION: Final = 0xC000 | HEADER.size  # a pointer to it, RFC 1035 §4.1.4
_RECORD: Final = struct.Struct("!HHHIH")  # name, type, class, seconds, how many bytes follow
_OPTION_RECORD: Final = struct.Struct("!BHHIH")  # root, OPT, bytes of UDP, flags, how many follow
_OPTION: Final = struct.Struct("!HHH")  # its code, two bytes follow, the error


def address(question: Question, ipv4: str, seconds: int) -> bytes:
    """
    The one address of a granted name, to be remembered for so many seconds.
    """
    assert question.type == A, "only a question for an address has one as its answer"
    data = IPv4Address(ipv4).packed
    record = _RECORD.pack(_NAME_OF_QUESTION, A, IN, seconds, len(data)) + data
    return _answer(question, NO_ERROR, record=record)


def empty(question: Question) -> bytes:
    """
    A granted name has nothing of the type that was asked for.
    """
    return _answer(question, NO_ERROR)


def refused_name(question: Question) -> bytes:
    """
    A name that is not granted does not exist in this cell.
    """
    return _answer(question, NAME_ERROR, options=_OPTION.pack(EXTENDED_ERROR, 2, BLOCKED))


def failed(question: Question) -> bytes:
    """
    The service cannot answer now; whoever asked may ask again.
    """
    return _answer(question, SERVER_FAILURE)


def malformed(message_id: int) -> bytes:
    """
    What came is no question.  Nothing of it is repeated but its id.
    """
    return HEADER.pack(message_id, _RESPONSE | _RECURSION_AVAILABLE | FORMAT_ERROR, 0, 0, 0, 0)


def _answer(question: Question, code: int, *, record: bytes = b"", options: bytes = b"") -> bytes:
    flags = _RESPONSE | _RECURSION_AVAILABLE | code
    if code != SERVER_FAILURE:
        flags |= _AUTHORITATIVE
    if question.recursion_desired:
        flags |= RECURSION_DESIRED
    header = HEADER.pack(question.message_id, flags, 1, 1 if record else 0, 0, int(question.edns))
    tail = _options(options) if question.edns else b""
    return header + question.wire + record + tail


def _options(options: bytes) -> bytes:
    return _OPTION_RECORD.pack(0, OPT, MAXIMUM_BYTES, 0, len(options)) + options
