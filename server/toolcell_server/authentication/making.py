"""
Makes the authenticator that the settings describe, and starts what it needs.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.authentication.authenticator import Authenticator
from toolcell_server.authentication.certificates import Certificates
from toolcell_server.authentication.fetching import NotFetched
from toolcell_server.authentication.jwts import Jwts
from toolcell_server.authentication.key_set import KeySet
from toolcell_server.authentication.keys import KeysAtUrl, KeysInFile, SharedSecret
from toolcell_server.authentication.tokens import StaticTokens
from toolcell_server.authentication.verified import as_is
from toolcell_server.reloading import Reloaded
from toolcell_server.secret_sources import SecretUnavailable
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from toolcell_server.authentication.keys import Keys
    from toolcell_server.authentication.verified import Expand
    from toolcell_server.authentication_metrics import AuthenticationMetrics
    from toolcell_server.settings import AuthSettings, JwtSettings

# RFC 7518 §3.2: a key of the size of the hash, or larger.
_SECRET_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}


@contextlib.asynccontextmanager
async def authenticating(
    settings: AuthSettings, metrics: AuthenticationMetrics, expand: Expand = as_is
) -> AsyncIterator[Authenticator]:
    """
    An authenticator, for as long as the context lasts.  `expand` is applied once to the principal
    of each credential.

    Raises:
        SettingsError: something that the settings name cannot be read, fetched or used.
    """
    kept = "auth.tokens and auth.tokens_file" if settings.tokens_file else "auth.tokens"
    with _named(kept):
        tokens = StaticTokens(settings, expand, lambda: metrics.failing("tokens"))
    certificates = Certificates(settings, expand) if settings.by_certificate else None
    async with contextlib.AsyncExitStack() as opened:
        jwts = None
        if settings.jwt is not None:
            keys = await _keys(settings.jwt, metrics, opened)
            jwts = Jwts(settings.jwt, keys, expand)
        yield Authenticator(tokens, jwts, certificates, settings.names)


async def _keys(
    settings: JwtSettings, metrics: AuthenticationMetrics, opened: contextlib.AsyncExitStack
) -> Keys:
    told: dict[str, Any] = {"failing": metrics.failing("jwt_keys")}
    if settings.jwks_file:
        with _named("auth.jwt.jwks_file"):
            return KeysInFile(Reloaded("JWKS", [settings.jwks_file], KeySet.parse, **told))
    if settings.secret:
        with _named("auth.jwt.secret"):
            return SharedSecret(_secret(settings, told))
    with _named("auth.jwt.jwks_url"):
        fetched = KeysAtUrl(settings, **told)
        opened.push_async_callback(fetched.aclose)
        await fetched.start()
        return fetched


def _secret(settings: JwtSettings, told: dict[str, Any]) -> Reloaded[bytes]:
    assert settings.secret
    least = max(_SECRET_BYTES[algorithm] for algorithm in settings.algorithms)

    def long_enough(data: bytes) -> bytes:
        secret = data.rstrip(b"\r\n")
        if len(secret) < least:
            raise ValueError(f"the secret has fewer than {least} bytes")
        return secret

    return Reloaded("secret of JWTs", [settings.secret], long_enough, **told)


@contextlib.contextmanager
def _named(key: str) -> Iterator[None]:
    try:
        yield
    except (SecretUnavailable, NotFetched, ValueError, OSError) as exc:
        remedy = "mend what it names, or name another"
        raise SettingsError(str(exc), remedy, key=key) from None
