"""
The proxy of one cell that has no network of its own, from when its listener is handed over to the
cell's end.

Theory of operation.  On a host without network namespaces a cell shares the host's network, and
Landlock lets it connect to one port: ours, on loopback.  What it asks for there goes through the
same relay as what other cells call by an address (`relaying`); only where it leads is said, not
seen.

Other programs of the host reach this port, so the listener is no identity here: a token is, which
the cell alone has in its environment.  What comes without it is told once, answered at a pace, and
counts for nothing: strangers must not spend the budget of a cell.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.accepting import Accepting
from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_lines import REQUEST_LINE, HeadLines
from toolcell_server.egress.http_refusals import refusal
from toolcell_server.egress.parting import read_last_words
from toolcell_server.egress.proxy_requests import HEAD_BYTES, authorised, entrance_of
from toolcell_server.egress.relaying import Relay
from toolcell_server.egress.verdicts import Reason
from toolcell_server.pace import Pace

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.attached import Attached
    from toolcell_server.egress.entrance import Entrance
    from toolcell_server.egress.http_lines import RawHead
    from toolcell_server.egress.outside import Outside

HEAD_SECONDS: Final = 10.0  # arbitrary; from the connection to the whole head
READ_BYTES: Final = 16 * 1024
MALFORMED, FORBIDDEN, UNAUTHORISED, TOO_SLOW = 400, 403, 407, 408


class _Refused(Exception):  # noqa: N818  # names what happened
    """
    Raised when a head is not one to be decided about.
    """

    def __init__(self, status: int, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason


class CellProxy:
    """
    Relays for one cell until it is closed.
    """

    def __init__(
        self, cell: Attached, outside: Outside, listener: socket.socket, token: str
    ) -> None:
        self.cell = cell
        self._outside = outside
        self._token = token
        self._pace = Pace(burst=64, per_second=50)  # arbitrary; of refusals
        self._accepting = Accepting([(listener, self._serve)])

    async def aclose(self) -> None:
        """
        End every connection, and listen no more.
        """
        await self._accepting.aclose()

    async def _serve(self, connection: socket.socket) -> None:
        try:
            entrance = await self._entrance(connection)
        except _Refused as refused:
            await self._refuse(connection, refused)
        except OSError:  # the client broke off
            return
        else:
            await Relay(self.cell, self._outside, connection, entrance).run()

    async def _entrance(self, connection: socket.socket) -> Entrance:
        waiting = bytearray()
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                raw = await _head(connection, waiting)
            if not authorised(raw, self._token):
                sentence = "send the name and token of the proxy's URL"
                raise _Refused(UNAUTHORISED, Reason.UNAUTHORISED, sentence)
            return entrance_of(raw, bytes(waiting))
        except TimeoutError:
            raise _Refused(TOO_SLOW, Reason.TOO_SLOW, "") from None
        except Malformed as malformed:
            raise _Refused(MALFORMED, Reason.MALFORMED, str(malformed)) from None

    async def _refuse(self, connection: socket.socket, refused: _Refused) -> None:
        self.cell.deny("connect", "", refused.reason)
        await asyncio.sleep(self._pace.take(time.monotonic()))
        asking = [("proxy-authenticate", 'Basic realm="toolcell"')]
        answer = refusal(
            refused.status,
            refused.reason,
            str(refused),
            further=asking if refused.status == UNAUTHORISED else (),
        )
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(connection, answer)
        await read_last_words(connection)


async def _head(connection: socket.socket, waiting: bytearray) -> RawHead:
    """
    The first head, taken off what was read.

    Raises:
        Malformed: there is none.
        OSError: the client broke off.
    """
    lines, loop = HeadLines(REQUEST_LINE, HEAD_BYTES), asyncio.get_running_loop()
    while (raw := lines.take(waiting)) is None:
        data = await loop.sock_recv(connection, READ_BYTES)
        if not data:
            raise ConnectionResetError
        waiting += data
    return raw
