"""
The egress: answers names and relays connections for every cell that was granted domains.

Theory of operation.  A process of its own, because it reads what hostile code and hostile servers
send: it shares neither the loop of the service nor its secrets, but for the credentials that it is
to add.  The server hands over the listeners of a cell's own network (`walls/network.py`); from then
on nobody else can answer there.  The listener is the identity of the cell: there is no token to
steal, and nothing in the cell to cooperate.  A cell without a network of its own has a proxy
instead, one listener on the host's loopback, and a token (`proxying.py`).

When the server detaches a cell, all its connections end.  When the server ends, so do we; when we
end, every listener and every connection is closed, and nothing gets out.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

from toolcell_worker.wire import NUMBER, Frame, Message, PeerClosed, ProtocolError

from toolcell_server.egress.attached import Attached
from toolcell_server.egress.budget import Budget
from toolcell_server.egress.cell_network import CellNetwork
from toolcell_server.egress.credentials import Credential
from toolcell_server.egress.proxying import CellProxy
from toolcell_server.egress.rules import Rule

if TYPE_CHECKING:
    from toolcell_server.channel import Channel
    from toolcell_server.egress.outside import Outside


class Serving:
    """
    Serves until the server is gone.

    ATTACH carries {"number", "rules": [entry, …], "ports": [int, …], "connections", "bytes" (each
    way), "credentials": {name: {"header", "value", "hosts"}}, "report_only": bool, "proxy": token}.
    The token is empty for a cell that has a network of its own.
    """

    def __init__(self, channel: Channel, outside: Outside) -> None:
        self._channel = channel
        self._outside = outside
        self._networks: dict[int, CellNetwork | CellProxy] = {}
        self._untold: asyncio.Queue[tuple[Frame, dict[str, Any]]] = asyncio.Queue()

    async def run(self) -> None:
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                await self._take(await self._channel.receive())
        except (PeerClosed, ProtocolError):
            return
        finally:
            telling.cancel()

    async def _take(self, message: Message) -> None:
        match message.kind:
            case Frame.ATTACH:
                self._attach(message)
            case Frame.DETACH:
                await self._detach(*NUMBER.unpack(message.payload))
            case _:
                raise ProtocolError(f"frame {message.kind} to the egress")

    def _attach(self, message: Message) -> None:
        sockets = [socket.socket(fileno=descriptor) for descriptor in message.descriptors]
        told = message.json()
        number = int(told["number"])
        cell = Attached(
            number=number,
            rules=tuple(Rule.parse(entry) for entry in told["rules"]),
            denied=self._outside.denied,
            budget=Budget(told["connections"], told["bytes"], told["bytes"]),
            tell=lambda what: self._untold.put_nowait((Frame.TOLD, {"number": number, **what})),
            credentials={
                name: Credential.parse(each) for name, each in told["credentials"].items()
            },
            report_only=told["report_only"],
        )
        if token := str(told["proxy"]):
            [listener] = sockets
            self._networks[number] = CellProxy(cell, self._outside, listener, token)
        else:
            self._networks[number] = CellNetwork(cell, self._outside, sockets, told["ports"])

    async def _detach(self, number: int) -> None:
        network = self._networks.pop(number, None)
        contacts: list[dict[str, Any]] = []
        if network is not None:
            await network.aclose()
            contacts = network.cell.summary()
        self._untold.put_nowait((Frame.DETACHED, {"number": number, "contacts": contacts}))

    async def _tell(self) -> None:
        while True:
            kind, what = await self._untold.get()
            await self._channel.send(kind, json.dumps(what).encode())
