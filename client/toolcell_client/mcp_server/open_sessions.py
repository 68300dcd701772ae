"""
How many sessions of the older eras one principal has open.

Theory of operation.  The SDK bounds the sessions of everybody together, and keeps one half an hour
after its last request; so one principal that opens sessions and leaves them could keep out all
others.  Here each has a bound of its own.  A session is known by the header of the response that
opens it, and is over when it is deleted, when the SDK does not know it any more, or when it was
silent for as long as the SDK keeps it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OF_ONE = 100  # arbitrary; a tenth of all
OVER = (200, 204, 404)


class OpenSessions:
    """
    Those of one principal.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_used: dict[str, float] = {}
        self._opening = 0

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Let a request through, unless it would open one too many: 503.
        """
        headers = Headers(scope=scope)
        if (
            headers.get(MCP_PROTOCOL_VERSION_HEADER, "2025-03-26")
            not in HANDSHAKE_PROTOCOL_VERSIONS
        ):
            await app(scope, receive, send)
        elif session_id := headers.get(MCP_SESSION_ID_HEADER):
            await self._go_on(session_id, app, scope, receive, send)
        elif len(self._open()) + self._opening >= MOST_OF_ONE:
            why = f"this principal has {MOST_OF_ONE} sessions open; end one with DELETE"
            refused = JSONResponse({"error": "unavailable", "error_description": why}, 503)
            await refused(scope, receive, send)
        else:
            await self._begin(app, scope, receive, send)

    def _open(self) -> dict[str, float]:
        oldest = self._clock() - DEFAULT_SESSION_IDLE_TIMEOUT
        self._last_used = {key: at for key, at in self._last_used.items() if at > oldest}
        return self._last_used

    async def _begin(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                session_id = Headers(raw=message["headers"]).get(MCP_SESSION_ID_HEADER)
                if session_id:
                    self._last_used[session_id] = self._clock()
            await send(message)

        self._opening += 1
        try:
            await app(scope, receive, watch)
        finally:
            self._opening -= 1

    async def _go_on(
        self, session_id: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        over = False

        async def watch(message: Message) -> None:
            nonlocal over
            if message["type"] == "http.response.start":
                status = message["status"]
                over = status == 404 or (scope["method"] == "DELETE" and status in OVER)
            await send(message)

        known = session_id in self._last_used
        if known:
            self._last_used[session_id] = math.inf  # it is used
        try:
            await app(scope, receive, watch)
        finally:
            if over:
                self._last_used.pop(session_id, None)
            elif known and session_id in self._last_used:
                self._last_used[session_id] = self._clock()
