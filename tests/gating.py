"""
A gate with a relay around it that remembers instead of writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.egress.http_actions import Action, Ask, Close, Head, ToClient, ToServer
from toolcell_server.egress.http_gate import HttpGate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_server.egress.http_secrets import Secret

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def everything(_: Head) -> bool:
    return True


def nothing(_: Head) -> bool:
    return False


class Relay:
    """
    `cut` is the size of the pieces that bytes arrive in.
    """

    def __init__(
        self,
        grants: Callable[[Head], bool] = everything,
        extra_headers: Sequence[tuple[str, Secret]] = (),
        cut: int = 2**30,
    ) -> None:
        self.gate = HttpGate()
        self.asked: list[Head] = []
        self.allowed: list[Head] = []
        self.to_server = b""
        self.to_client = b""
        self.closed = False
        self.most_held = 0
        self._grants = grants
        self._extra_headers = extra_headers
        self._cut = cut

    def client(self, *received: bytes) -> Relay:
        """
        Bytes from the client; none at all are the end of its file.
        """
        for piece in self._pieces(received):
            self._act(self.gate.receive_from_client(piece))
        return self

    def server(self, *received: bytes) -> Relay:
        """
        Bytes from the server; none at all are the end of its file.
        """
        for piece in self._pieces(received):
            self._act(self.gate.receive_from_server(piece))
        return self

    @property
    def status(self) -> bytes:
        return self.to_client[9:12]

    @property
    def reason(self) -> str:
        _, found, rest = self.to_client.partition(b"x-toolcell-reason: ")
        return rest.partition(b"\r\n")[0].decode() if found else ""

    def _pieces(self, received: tuple[bytes, ...]) -> list[bytes]:
        data = b"".join(received)
        return [data[at : at + self._cut] for at in range(0, len(data), self._cut)] or [b""]

    def _act(self, actions: list[Action]) -> None:
        held = len(self.gate._from_client) + len(self.gate._from_server)
        self.most_held = max(self.most_held, held)
        for index, action in enumerate(actions):
            assert not self.closed, "nothing follows a close"
            match action:
                case Ask():
                    assert index == len(actions) - 1, "a question comes last"
                    self._decide(action.head)
                case ToServer(data):
                    assert data
                    self.to_server += data
                case ToClient(data):
                    assert data
                    self.to_client += data
                case Close():
                    self.closed = True

    def _decide(self, head: Head) -> None:
        self.asked.append(head)
        if self._grants(head):
            self.allowed.append(head)
            self._act(self.gate.allow(self._extra_headers))
        else:
            self._act(self.gate.refuse(403, "host_not_granted"))
