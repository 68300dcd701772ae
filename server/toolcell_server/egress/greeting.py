"""
What the client of a proxy is told before it speaks to whom it wanted: yes or no, once.

Who called an address is told nothing: the connection is the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.entrance import Way
from toolcell_server.egress.http_refusals import refusal
from toolcell_server.egress.parting import read_last_words

if TYPE_CHECKING:
    import socket

    from toolcell_server.egress.verdicts import Reason

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"  # RFC 9110 9.3.6
REFUSED, BAD_GATEWAY = 403, 502


@dataclass(slots=True)
class Greeting:
    """
    Of one client.  `refused`: it was told no, and has read it.
    """

    inside: socket.socket
    way: Way
    refused: bool = False
    _given: bool = False

    async def welcome(self) -> None:
        """
        Open its tunnel; whoever forwards requests hears their responses.
        """
        if self.way is Way.TUNNEL and not self._given:
            await asyncio.get_running_loop().sock_sendall(self.inside, ESTABLISHED)
        self._given = True

    async def refuse(self, reason: Reason, *, denied: bool) -> None:
        """
        Say why not, if that can still be taken for the answer.
        """
        if self.way is Way.ADDRESS or self._given:
            return
        self._given = self.refused = True
        answer = refusal(REFUSED if denied else BAD_GATEWAY, reason)
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self.inside, answer)
        await read_last_words(self.inside)
