"""
Sockets that listen on the host and count who reached them.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field

from toolcell_server.battery import addresses
from toolcell_server.battery.addresses import LOOPBACK

ENDING_SECONDS = 1.0  # arbitrary; the kernel tells of an end at once


@dataclass
class Listeners:
    """
    Listening sockets by name.  Nobody needs to run for a hit to count: a connection waits in the
    backlog, a datagram in the buffer.
    """

    sockets: dict[str, socket.socket] = field(default_factory=dict)
    left: socket.socket | None = None

    def tcp(self, address: str = LOOPBACK, port: int = 0) -> int:
        """
        A port of the loopback, or of another address of this host, that listens.
        """
        listener = socket.create_server((address, port), family=addresses.family(address))
        return self._add(f"TCP {address}", listener)

    def udp(self, address: str = LOOPBACK) -> int:
        """
        A port that receives datagrams.
        """
        receiver = socket.socket(addresses.family(address), socket.SOCK_DGRAM)
        receiver.bind((address, 0))
        return self._add(f"UDP {address}", receiver)

    def leaving(self) -> int:
        """
        A port of the loopback that may be reached: connections must not stay.
        """
        self.left = socket.create_server((LOOPBACK, 0))
        self.left.setblocking(False)
        return int(self.left.getsockname()[1])

    def unix(self, address: str, kind: int = socket.SOCK_STREAM) -> str:
        """
        A unix socket that listens at a path, or at an abstract name if it begins with NUL.
        """
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(address)
        if kind != socket.SOCK_DGRAM:
            listener.listen()
        self._add(f"unix:{address!r}:{kind}", listener)
        return address

    def hits(self) -> list[str]:
        """
        A sentence for each listener that was reached.
        """
        counted = {name: _hits(listener) for name, listener in self.sockets.items()}
        said = [f"reached {count} times: {name}" for name, count in counted.items() if count]
        stayed = _stayed(self.left) if self.left else 0
        return [*said, *[f"{stayed} connections were not ended"] * (stayed > 0)]

    def close(self) -> None:
        if self.left:
            self.left.close()
        for listener in self.sockets.values():
            listener.close()

    def _add(self, name: str, listener: socket.socket) -> int:
        listener.setblocking(False)
        port = 0 if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])
        self.sockets[f"{name} {port}" if port else name] = listener
        return port


def _stayed(listener: socket.socket) -> int:
    """
    How many connections have another end that is still there.
    """
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(ENDING_SECONDS)
                count += not _ends(connection)
    return count


def _ends(connection: socket.socket) -> bool:
    try:
        while connection.recv(1024):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def _hits(listener: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(1)
            else:
                listener.accept()[0].close()
            count += 1
    return count
