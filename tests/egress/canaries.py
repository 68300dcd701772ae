"""
What nobody may reach: it counts who does, at every address of this host and over TCP and UDP.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Canary:
    """
    `touched` grows by one for each connection and each datagram; `said` is what they brought;
    `ended` are connections whose other side is gone.
    """

    tcp: int = 0
    udp: int = 0
    touched: list[str] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    address: str = "127.0.0.1"

    def accept(self, listener: socket.socket) -> None:
        while True:
            connection, peer = listener.accept()
            if peer[1] in self._leaving:
                connection.close()
                return
            self.touched.append(f"tcp {peer[0]}")
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def receive(self, receiver: socket.socket) -> None:
        while True:
            data, peer = receiver.recvfrom(2048)
            if data == b"leave":
                return
            self.touched.append(f"udp {peer[0]}")

    def _hold(self, connection: socket.socket) -> None:
        """
        Say nothing until the other side is gone.
        """
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(2048):
                self.said.append(data)
        self.ended.append("tcp")

    _leaving: set[int] = field(default_factory=set)

    def dismiss(self) -> None:
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._leaving.add(last.getsockname()[1])
            last.connect((self.address, self.tcp))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"leave", ("127.0.0.1", self.udp))


@contextlib.contextmanager
def watching(port: int = 0, address: str = "") -> Iterator[Canary]:
    """
    A canary at every address, IPv4 and IPv6, or at one of IPv4.
    """
    canary = Canary(address=address or "127.0.0.1")
    if address:
        tcp = socket.create_server((address, port))
    else:
        tcp = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("::", 0))
    canary.tcp, canary.udp = tcp.getsockname()[1], udp.getsockname()[1]
    threads = [
        threading.Thread(target=canary.accept, args=(tcp,)),
        threading.Thread(target=canary.receive, args=(udp,)),
    ]
    with tcp, udp:
        for thread in threads:
            thread.start()
        try:
            yield canary
        finally:
            canary.dismiss()
            for thread in threads:
                thread.join()
