"""
What every HTTP request passes before the SDK sees it: whose it is.

Theory of operation.  Host and Origin first, so that a web page that reaches the bridge under a
foreign name learns nothing, not even whether a token is good.  Then the token, which the toolcell
server judges.  The SDK compares the user that is set here with the one that began a session, so
that nobody can go on with another's.  No text of ours repeats a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolcell_client.errors import CallRefused, NotAuthenticated, ToolcellError
from toolcell_client.mcp_server.bodies import body_of, replayed
from toolcell_client.mcp_server.bridge import IDENTITY
from toolcell_client.mcp_server.identities import Identities, Identity, TooManyIdentities
from toolcell_client.tokens import checked

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from toolcell_client.mcp_server.binding import Listening

# The SDK takes whatever follows the colon for a port: "localhost:@evil.example".
_NAMED = re.compile(
    r"([a-z][a-z0-9+.-]*://)?(\[[0-9a-f:.]+\]|[^:/@\[\]]*)(:[0-9]{1,5})?", re.IGNORECASE
)
CHALLENGE = 'Bearer realm="toolcell"'


class Gate:
    """
    An ASGI application in front of another.
    """

    def __init__(self, app: ASGIApp, identities: Identities, listening: Listening) -> None:
        self._app = app
        self._identities = identities
        self._listening = listening
        self._security = TransportSecurityMiddleware(security(listening))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refused = _misnamed(request) or await self._security.validate_request(request)
        found = refused or await self._identified(request)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        with found:
            body = await body_of(receive)
            if isinstance(body, Response):
                await body(scope, receive, send)
            elif body is not None:
                whole = replayed(body, receive)
                await found.sessions.serve(self._app, _with(scope, found), whole, send)

    async def _identified(self, request: Request) -> Identity | Response:
        given = request.headers.getlist("authorization")
        if self._listening.share_identity or not given:
            if given or not self._listening.demands_tokens:
                return self._identities.own
            return _unauthorized("a bearer token is needed", CHALLENGE)
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            return _unauthorized("Authorization must be one bearer token", CHALLENGE)
        try:
            return await self._identities.of_token(checked(token.strip(), "Authorization"))
        except (NotAuthenticated, ValueError):
            return _unauthorized("the token is not good", f'{CHALLENGE}, error="invalid_token"')
        except (TooManyIdentities, ToolcellError) as exc:
            return _unavailable(exc)


def security(listening: Listening) -> TransportSecuritySettings:
    """
    The SDK's settings against DNS rebinding and foreign web pages.
    """
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=listening.allowed_hosts,
        allowed_origins=listening.allowed_origins,
    )


def _misnamed(request: Request) -> Response | None:
    """
    What the SDK does not look at: something that is no port, and two where there may be one.
    """
    for name, status in (("host", 421), ("origin", 403)):
        given = request.headers.getlist(name)
        if len(given) > 1 or not all(_NAMED.fullmatch(each) for each in given):
            return Response(f"Invalid {name.title()} header", status)
    return None


def _with(scope: Scope, identity: Identity) -> dict[str, Any]:
    """
    The scope with the identity, and the user that the SDK knows a session's owner by.
    """
    known: dict[str, Any] = {**scope, IDENTITY: identity}
    if identity.key:
        known["user"] = AuthenticatedUser(AccessToken(token="", client_id=identity.key, scopes=[]))
    return known


def _unauthorized(why: str, challenge: str) -> Response:
    body = {"error": "unauthorized", "error_description": why}
    return JSONResponse(body, 401, {"WWW-Authenticate": challenge})


def _unavailable(error: Exception) -> Response:
    refused = isinstance(error, CallRefused)
    why = "the toolcell server refuses" if refused else "the toolcell server does not answer"
    if isinstance(error, TooManyIdentities):
        why = "too many principals at once"
    return JSONResponse({"error": "unavailable", "error_description": why}, 503)
