"""
The real authentication, for tests of what stands behind it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from toolcell_server.authentication.authenticator import Authenticator
from toolcell_server.authentication.interceptor import AuthenticationInterceptor
from toolcell_server.authentication.noticing import Noticing
from toolcell_server.authentication.tokens import StaticTokens
from toolcell_server.authentication.verified import as_is
from toolcell_server.authentication_metrics import AuthenticationMetrics
from toolcell_server.metric_groups import RpcMetrics
from toolcell_server.principal import Principal
from toolcell_server.settings import AuthSettings
from toolcell_server.settings.identities import TokenSettings

if TYPE_CHECKING:
    from collections.abc import Iterable


class Doorman:
    """
    Static tokens, the name of a principal twice: `alice-alice`.  `registry` has its metrics.
    """

    def __init__(self, *principals: Principal) -> None:
        settings = AuthSettings(tokens=tuple(map(_token, principals)), enabled=True)
        self.registry = CollectorRegistry()
        self.interceptor = AuthenticationInterceptor(
            Authenticator(StaticTokens(settings, as_is)),
            Noticing(AuthenticationMetrics(self.registry)),
            RpcMetrics(self.registry),
        )

    def failures(self, kind: str) -> float:
        name = "toolcell_authentication_failures_total"
        return self.registry.get_sample_value(name, {"kind": kind}) or 0.0


def bearer(name: str) -> tuple[tuple[str, str], ...]:
    """
    The metadata of a call of that principal.
    """
    return (("authorization", f"Bearer {name}-{name}"),)


def people(*names: str, scopes: Iterable[str] = ()) -> tuple[Principal, ...]:
    return tuple(Principal(name=name, scopes=frozenset(scopes)) for name in names)


def _token(principal: Principal) -> TokenSettings:
    token = f"{principal.name}-{principal.name}"
    return TokenSettings(principal, hashlib.sha256(token.encode()).digest())
