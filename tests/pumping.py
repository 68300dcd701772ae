"""
The smallest relay around a gate: real sockets on loopback, one thread for each connection.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING

from toolcell_server.egress.http_actions import Action, Ask, Close, ToClient, ToServer
from toolcell_server.egress.http_gate import HttpGate

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 2**14
SECONDS = 10.0


class Pump:
    """
    Carries one client's connection to the server at `address`, and decides by the path alone.
    """

    def __init__(self, client: socket.socket, address: tuple[str, int]) -> None:
        self._gate = HttpGate()
        self._client = client
        self._address = address
        self._server: socket.socket | None = None
        self._selector = selectors.DefaultSelector()
        self._closed = False

    def run(self) -> None:
        with self._client, self._selector:
            self._selector.register(self._client, selectors.EVENT_READ, self._from_client)
            while not self._closed and (ready := self._selector.select(SECONDS)):
                for key, _ in ready:
                    if not self._closed:
                        key.data(key.fileobj)
            self._end()

    def _from_client(self, client: socket.socket) -> None:
        data = client.recv(PIECE_BYTES)
        if not data:  # it would be ready for ever
            self._selector.unregister(client)
        self._act(self._gate.receive_from_client(data))

    def _from_server(self, server: socket.socket) -> None:
        self._act(self._gate.receive_from_server(server.recv(PIECE_BYTES)))

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Ask(head) if head.target.startswith("/granted"):
                    self._dial()
                    self._act(self._gate.allow())
                case Ask():
                    self._act(self._gate.refuse(403, "path_not_granted"))
                case ToServer(data):
                    assert self._server is not None
                    self._server.sendall(data)
                case ToClient(data):
                    self._client.sendall(data)
                case Close():
                    self._closed = True

    def _dial(self) -> None:
        if self._server is None:
            self._server = socket.create_connection(self._address, SECONDS)
            self._selector.register(self._server, selectors.EVENT_READ, self._from_server)

    def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
            while self._client.recv(PIECE_BYTES):
                pass


@contextlib.contextmanager
def pumping(address: tuple[str, int]) -> Iterator[tuple[int, list[int]]]:
    """
    The port that clients connect to, and a list that grows by one for each connection.
    """
    connections: list[int] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                client, (_, port) = listener.accept()
                client.settimeout(SECONDS)
                if stopping.is_set():
                    client.close()
                    return
                connections.append(port)
                threads.append(threading.Thread(target=Pump(client, address).run))
                threads[-1].start()

        stopping = threading.Event()
        accepting = threading.Thread(target=accept)
        accepting.start()
        port = listener.getsockname()[1]
        try:
            yield port, connections
        finally:
            stopping.set()
            socket.create_connection(("127.0.0.1", port), SECONDS).close()  # wakes accept
            for thread in (accepting, *threads):
                thread.join(SECONDS)
