"""
Serves any number of clients over streamable HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from toolcell_client.errors import CallRefused, NotAuthenticated, ServerUnreachable
from toolcell_client.mcp_server.binding import Unsafe
from toolcell_client.mcp_server.bodies import MAXIMUM_BODY_BYTES
from toolcell_client.mcp_server.bridge import Bridge
from toolcell_client.mcp_server.connections import ImpatientProtocol
from toolcell_client.mcp_server.gate import Gate, security
from toolcell_client.mcp_server.identities import Identities

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.mcp_server.binding import Listening
    from toolcell_client.mcp_server.choosing import Choice
    from toolcell_client.options import ClientOptions

PATH = "/mcp"
MAXIMUM_SESSIONS = 1000  # arbitrary; of the eras that have them
MAXIMUM_CONNECTIONS = 1000  # arbitrary; further ones are answered 503
CLOSE_SECONDS = 3  # arbitrary; how long open responses may go on after a signal


def serve(
    options: ClientOptions, choice: Choice, listening: Listening, ready: Callable[[str], None]
) -> None:
    """
    Serve until a signal comes, which then is raised again.

    Parameters:
        ready: is told the URL once it can be reached.
    Raises:
        OSError: the address cannot be listened on, or a certificate cannot be read.
        Unsafe: the toolcell server takes any token, so whoever reaches the bridge could use it.
    """
    asyncio.run(_serve(options, choice, listening, ready))


async def _serve(
    options: ClientOptions, choice: Choice, listening: Listening, ready: Callable[[str], None]
) -> None:
    identities = Identities(options, choice)
    try:
        if listening.demands_tokens:
            await _check_that_tokens_matter(identities)
        with contextlib.closing(_bound(listening)) as listener:
            server = _Server(_configuration(identities, listening), identities)
            scheme = "https" if listening.certificate else "http"
            name = f"[{listening.host}]" if ":" in listening.host else listening.host
            ready(f"{scheme}://{name}:{listener.getsockname()[1]}{PATH}")
            await server.serve([listener])
    finally:
        await identities.aclose()


async def _check_that_tokens_matter(identities: Identities) -> None:
    try:
        await identities.of_token(f"nobody-{secrets.token_hex(16)}")
    except NotAuthenticated:
        return
    except ServerUnreachable:
        raise
    except CallRefused as exc:
        raise Unsafe(f"the toolcell server cannot be asked whether tokens matter: {exc}") from exc
    raise Unsafe(
        "the toolcell server takes any token, so whoever reaches the bridge could use it; configure"
        " identities at the server, or listen on 127.0.0.1"
    )


class _Server(uvicorn.Server):
    """
    Ends what runs before it waits for the responses, which would else last until a tool is done.
    """

    def __init__(self, config: uvicorn.Config, identities: Identities) -> None:
        super().__init__(config)
        self._identities = identities

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._identities.end_work()
        await super().shutdown(sockets)


def _configuration(identities: Identities, listening: Listening) -> uvicorn.Config:
    app = Bridge(identities, search=listening.search).streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=MAXIMUM_BODY_BYTES,
        max_sessions=MAXIMUM_SESSIONS,
        transport_security=security(listening),
    )
    tls: dict[str, Any] = {}
    if listening.certificate:
        tls = {"ssl_certfile": listening.certificate, "ssl_keyfile": listening.key}
    return uvicorn.Config(
        Gate(app, identities, listening),
        http=ImpatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAXIMUM_CONNECTIONS,
        timeout_graceful_shutdown=CLOSE_SECONDS,
        lifespan="on",
        **tls,
    )


def _bound(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listening.host, listening.port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
