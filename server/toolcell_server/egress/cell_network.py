"""
The network of one cell as the egress holds it, from when its listeners are handed over to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.egress.accepting import Accepting
from toolcell_server.egress.answering import Answering, answer_over_tcp, pace_over_tcp
from toolcell_server.egress.entrance import Entrance
from toolcell_server.egress.relaying import Relay

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from toolcell_server.egress.accepting import Handle
    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.outside import Outside


class CellNetwork:
    """
    Answers and relays for one cell until it is closed.  `sockets` are names over UDP, names over
    TCP, then a listener for each of `ports`.
    """

    def __init__(
        self,
        cell: Attached,
        outside: Outside,
        sockets: Sequence[socket.socket],
        ports: Sequence[int],
    ) -> None:
        self.cell = cell
        self._outside = outside
        self._pace = pace_over_tcp()
        names, *listeners = sockets
        self._answering = Answering(names, cell)
        handles: list[Handle] = [self._answer, *(self._relay_to(port) for port in ports)]
        self._accepting = Accepting(list(zip(listeners, handles, strict=True)))

    async def aclose(self) -> None:
        """
        End every connection, and listen no more.
        """
        self._answering.close()
        await self._accepting.aclose()

    async def _answer(self, connection: socket.socket) -> None:
        await answer_over_tcp(connection, self.cell, self._pace)

    def _relay_to(self, port: int) -> Handle:
        async def relay(connection: socket.socket) -> None:
            name = self.cell.names.name_of(connection.getsockname()[0])
            entrance = Entrance(name or "", port)
            await Relay(self.cell, self._outside, connection, entrance).run()

        return relay
