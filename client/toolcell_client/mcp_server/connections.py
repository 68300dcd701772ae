"""
Connections that never ask for anything.

Theory of operation.  uvicorn closes a connection that is silent after a response; one that has not
sent a whole request head yet it keeps for ever, whoever opened it, and a thousand of them leave no
room for anybody.  Here every connection is looked at now and then: one that is at no request, and
was at none that time before, is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 5.0  # arbitrary; a head is there after twice as long at most


class ImpatientProtocol(H11Protocol):
    """
    HTTP/1.1 as uvicorn speaks it, with an end to waiting for a head.
    """

    _looking: asyncio.TimerHandle | None = None
    _seen: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """
        Begin to look.
        """
        super().connection_made(transport)
        self._looking = self.loop.call_later(HEAD_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """
        Look no more.
        """
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        at_none = self.cycle is None or self.cycle.response_complete
        if at_none and self.cycle is self._seen:
            self.transport.close()
            return
        self._seen = self.cycle
        self._looking = self.loop.call_later(HEAD_SECONDS, self._look)
