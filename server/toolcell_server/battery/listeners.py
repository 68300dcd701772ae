"""
Sockets that listen on the host and count who reached them.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field


@dataclass
class Listeners:
    """
    Listening sockets by name.  Nobody needs to run for a hit to count: a connection waits in the
    backlog, a datagram in the buffer.
    """

    sockets: dict[str, socket.socket] = field(default_factory=dict)

    def tcp(self) -> int:
        """
        A port of the loopback that listens.
        """
        listener = socket.create_server(("127.0.0.1", 0))
        self._add("TCP", listener)
        return int(listener.getsockname()[1])

    def udp(self) -> int:
        """
        A port of the loopback that receives datagrams.
        """
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        self._add("UDP", receiver)
        return int(receiver.getsockname()[1])

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
        return [f"reached {count} times: {name}" for name, count in counted.items() if count]

    def close(self) -> None:
        for listener in self.sockets.values():
            listener.close()

    def _add(self, name: str, listener: socket.socket) -> None:
        listener.setblocking(False)
        self.sockets[name] = listener


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
