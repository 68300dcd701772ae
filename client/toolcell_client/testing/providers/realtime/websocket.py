"""
The server's side of a WebSocket, on blocking files.

Theory of operation.  One thread reads, any thread sends; a lock keeps frames whole.  Frames of a
client are masked, those of a server are not.  Messages in parts are put together; pings are
answered; extensions are not negotiated, so every frame is what it says.  Written here, as the
standard library has none and users' tests should need no other package; it is not for production.

Source: RFC 6455.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedIOBase

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
MAX_MESSAGE_BYTES = 15 * 1024 * 1024  # OpenAI's limit for audio in one event


class Closed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the peer has gone or has broken the protocol.
    """


def accept_key(key: str) -> str:
    """
    What proves that the server speaks WebSocket (RFC 6455, 4.2.2).
    """
    digest = hashlib.sha1(f"{key}{GUID}".encode(), usedforsecurity=False).digest()
    return b64encode(digest).decode()


class WebSocket:
    """
    An open connection, after the handshake.
    """

    def __init__(self, reader: BufferedIOBase, connection: socket.socket) -> None:
        self._reader = reader
        self._connection = connection
        self._lock = threading.Lock()

    def receive(self) -> str:
        """
        The next message.

        Raises:
            Closed: there is none.
        """
        message = b""
        while True:
            final, opcode, payload = self._frame()
            if opcode == CLOSE:
                with suppress(OSError):
                    self._send(CLOSE, payload[:2])
                raise Closed
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode != PONG:
                message += payload
                if len(message) > MAX_MESSAGE_BYTES:
                    self.close(1009)
                    raise Closed
                if final:
                    return message.decode("utf-8", "replace")

    def send(self, text: str) -> None:
        """
        Send a message; nothing happens if the peer has gone.
        """
        with suppress(OSError):
            self._send(TEXT, text.encode())

    def close(self, code: int = 1000) -> None:
        """
        Say that this side is done.
        """
        with suppress(OSError):
            self._send(CLOSE, struct.pack("!H", code))

    def drop(self) -> None:
        """
        Break the connection without a word.
        """
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        if length > MAX_MESSAGE_BYTES or not second & 0x80:
            self.close(1002)
            raise Closed
        mask = self._read(4)
        payload = self._read(length)
        repeated = mask * (length // 4 + 1)
        unmasked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:length], "big")
        return bool(first & 0x80), first & 0x0F, unmasked.to_bytes(length, "big")

    def _read(self, size: int) -> bytes:
        try:
            data = self._reader.read(size)
        except OSError as exc:
            raise Closed from exc
        if len(data) < size:
            raise Closed
        return data

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
        with self._lock:
            self._connection.sendall(head + payload)
