"""
A TCP relay that can be cut: for tests of what a client does when the network fails.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

CHUNK_BYTES = 65536
# Close with a reset instead of an orderly end, as a host that crashed.
RESET = struct.pack("ii", 1, 0)


class Relay:
    """
    Passes connections to `target` on, from a loopback address of its own, while entered.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._destination = (host, int(port))
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.target = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._start(self._accept, self._listener)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.down()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """
        Reset every connection; new ones are taken.
        """
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.shutdown(socket.SHUT_RDWR)

    def down(self) -> None:
        """
        Reset every connection; new ones are refused.
        """
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def up(self) -> None:
        """
        Take connections again, at the same address.
        """
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._start(self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed by `down`
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(self._destination)
                except OSError:
                    near.close()
                    continue
                self._sockets |= {near, far}
                self._start(self._pass_on, near, far)
                self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        self._sockets.discard(source)
        source.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
