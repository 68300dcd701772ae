"""
What stands around every call: it says who calls, and lets no error leave as it was raised.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from toolcell_server.authentication.anonymous import AnonymousInterceptor
from toolcell_server.authentication.interceptor import AuthenticationInterceptor
from toolcell_server.authentication.noticing import Noticing
from toolcell_server.interceptors import ErrorInterceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc

    from toolcell_server.made import Made


@contextlib.asynccontextmanager
async def guards(app: Made) -> AsyncIterator[tuple[grpc.aio.ServerInterceptor, ...]]:
    """
    The interceptors, the outermost first, for as long as the context lasts.

    Raises:
        SettingsError: something that the settings name cannot be read, fetched or used.
    """
    errors = ErrorInterceptor(app.auditing)
    if not app.settings.auth.enabled:
        yield AnonymousInterceptor(app.rights.located), errors
        return
    # Here: its cryptography takes longer to load than a server without it takes to start.
    from toolcell_server.authentication import making

    auth, metrics = app.settings.auth, app.metrics.authentication
    async with making.authenticating(auth, metrics, app.rights.expand) as authenticator:
        outermost = AuthenticationInterceptor(
            authenticator,
            Noticing(metrics),
            app.metrics.rpcs,
            located=app.rights.located,
            refused=app.auditing.refused if app.auditing else None,
            failed=app.auditing.failed if app.auditing else None,
        )
        yield outermost, errors
