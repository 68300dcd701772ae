"""
The first thing that a client of TLS says, out of a stream, as it comes.  Pure.

Theory of operation.  A stream of TLS is records, and a handshake message is what their fragments
make when put together (RFC 8446 §5.1).  The first message of a client is its ClientHello, in clear
text.  TCP may deliver it in pieces of any size, and a client may cut it into records wherever it
likes; both are ways past readers that look at the first packet only.  So every byte is kept, and
records are taken in order, when they are whole: the answer depends on the bytes alone, never on how
they were delivered.

What is taken is bounded: the hello ends within 64 KiB and 16 records, both far above what clients
send (about 2 KiB in one record), and each byte is looked at a fixed number of times.  Nothing but
handshake records may stand before its end (no alert, no change of cipher, no empty record, §5),
and nothing may follow it within its last record, which is where a second hello could hide.  What
follows in further records (early data) is not looked at: it is the relay's to pass on, in
`received`, byte for byte as it came.

Versions are checked leniently: 1.0 to 1.2 stand in records and hellos of clients of any version
(§5.1, §4.1.2).  A hello in the format of SSLv2 (RFC 5246 E.2) begins like no record: it is not TLS.
"""

from __future__ import annotations

import struct
from typing import Final

from toolcell_server.egress.hello_message import VERSIONS, ClientHello, Malformed, parse

__all__ = [
    "MAXIMUM_BYTES",
    "MAXIMUM_RECORDS",
    "ClientHello",
    "ClientHelloReader",
    "Malformed",
    "NotTls",
]

MAXIMUM_BYTES: Final = 2**16
MAXIMUM_RECORDS: Final = 16

_HEADER: Final = struct.Struct("!xHH")  # content type, version, bytes of the fragment
_BEGINNING: Final = b"\x16\x03"  # a handshake of SSL 3 or any TLS
_MAXIMUM_FRAGMENT: Final = 2**14
_CLIENT_HELLO: Final = 1
_MESSAGE_HEADER_BYTES: Final = 4  # type, and a length of three bytes


class NotTls(ValueError):  # noqa: N818  # names what happened
    """
    Raised when the first bytes of a stream begin no handshake record: it is another protocol.
    """


class ClientHelloReader:
    """
    Reads one stream up to the end of its ClientHello.

    A stream that was refused once stays refused, for nothing moves on before it has been accepted.
    """

    __slots__ = ("_message", "_position", "_received", "_records")

    def __init__(self) -> None:
        self._received = bytearray()
        self._position = 0  # of the next record
        self._records = 0
        self._message = b""

    @property
    def received(self) -> bytes:
        """
        All that was fed, untouched, with what came after the hello.
        """
        return bytes(self._received)

    def feed(self, data: bytes) -> ClientHello | None:
        """
        The hello, once it is complete, and then no more is to be fed; None: more is needed.

        Raises:
            NotTls: the first bytes are no TLS.
            Malformed: they are, and what follows is no well-formed ClientHello within the bounds.
        """
        self._received += data
        while (end := self._end_of_record()) is not None:
            message = self._message + self._received[self._position + _HEADER.size : end]
            hello = _whole(message)
            self._message, self._position = message, end
            self._records += 1
            if hello is not None:
                return hello
        return None

    def _end_of_record(self) -> int | None:
        """
        Where the next record ends, if all of it is there; RFC 8446 §5.1.
        """
        header = bytes(self._received[self._position : self._position + _HEADER.size])
        if not _BEGINNING.startswith(header[: len(_BEGINNING)]):
            if self._position:
                raise Malformed("another record than a handshake's before the end of the hello")
            raise NotTls("the first bytes begin no handshake of TLS")
        if len(header) < _HEADER.size:
            return None
        end = self._position + _HEADER.size + _fragment_length(header)
        if self._records == MAXIMUM_RECORDS or end > MAXIMUM_BYTES:
            raise Malformed(f"a hello beyond {MAXIMUM_RECORDS} records or {MAXIMUM_BYTES} bytes")
        return end if end <= len(self._received) else None


def _fragment_length(header: bytes) -> int:
    version, length = _HEADER.unpack(header)
    if version not in VERSIONS:
        raise Malformed(f"a record of version 0x{version:04x}")
    if not 0 < length <= _MAXIMUM_FRAGMENT:
        raise Malformed(f"a record of {length} bytes")
    return int(length)


def _whole(message: bytes) -> ClientHello | None:
    """
    What the fragments put together so far say; RFC 8446 §4.
    """
    if message[0] != _CLIENT_HELLO:
        raise Malformed(f"a handshake message of type {message[0]} instead of a ClientHello")
    if len(message) < _MESSAGE_HEADER_BYTES:
        return None
    end = _MESSAGE_HEADER_BYTES + int.from_bytes(message[1:_MESSAGE_HEADER_BYTES], "big")
    if end > MAXIMUM_BYTES:
        raise Malformed(f"a hello of {end} bytes, and at most {MAXIMUM_BYTES} are read")
    if len(message) > end:
        raise Malformed("a record that goes on after the hello")
    return parse(message[_MESSAGE_HEADER_BYTES:]) if len(message) == end else None
