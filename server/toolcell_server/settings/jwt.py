"""
The section `[auth.jwt]`: whose signed tokens are taken, and what their claims mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from toolcell_server.addresses import Address
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.references import file, reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.secret_sources import Reference

ASYMMETRIC: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
SYMMETRIC: Final = ("HS256", "HS384", "HS512")
_TEXTS: Final = (
    *("issuer", "roles_claim", "scopes_claim", "name_claim", "name_prefix", "session_claim"),
    *("jwks_url", "ca_file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSettings:
    """
    A token must be of this `issuer`, for one of these `audience`s, signed by a key of the set in
    `jwks_file` or at `jwks_url` (or, for HS*, with `secret`).  Claims are named by dotted paths, as
    in `realm_access.roles`; an empty name: no claim.

    Raises:
        SettingsError: one of the values cannot be used, or they do not go together.
    """

    issuer: str = ""
    audience: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    jwks_file: Reference | None = None
    jwks_url: str = ""
    ca_file: str = ""
    secret: Reference | None = None
    name_claim: str = "sub"
    name_prefix: str = ""
    roles_claim: str = ""
    scopes_claim: str = "scope"
    session_claim: str = ""
    leeway_seconds: float = 30.0
    refresh_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name in _TEXTS:
            checks.text(f"auth.jwt.{name}", getattr(self, name))
        checks.number("auth.jwt.leeway_seconds", self.leeway_seconds, 0, 300, whole=False)
        checks.number("auth.jwt.refresh_seconds", self.refresh_seconds, 10, 86400, whole=False)
        for name, value in (("issuer", self.issuer), ("name_claim", self.name_claim)):
            if not value:
                raise SettingsError("is missing", "write it as a text", key=f"auth.jwt.{name}")
        if not self.audience:
            what, remedy = "is missing", "name who tokens for this server are issued for"
            raise SettingsError(what, remedy, key="auth.jwt.audience")
        self._check_algorithms()
        self._check_keys()
        if self.jwks_url:
            _check_url(self.jwks_url)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self | None:
        """
        From the values of the settings; None: JWTs are not taken.
        """
        if not section:
            return None
        values = dict(section)
        if isinstance(values.get("audience"), str):
            values["audience"] = [values["audience"]]
        for name in ("audience", "algorithms"):
            if name in values:
                values[name] = _texts(f"auth.jwt.{name}", values[name])
        if "jwks_file" in values:
            values["jwks_file"] = file("auth.jwt.jwks_file", values["jwks_file"])
        if "secret" in values:
            values["secret"] = reference("auth.jwt.secret", values["secret"])
        return cls(**values)

    def _check_algorithms(self) -> None:
        """
        Never both kinds: a public key, which everybody knows, must not be taken for a secret.
        """
        key = "auth.jwt.algorithms"
        known = SYMMETRIC if self.secret else ASYMMETRIC
        for algorithm in self.algorithms:
            if algorithm in SYMMETRIC and not self.secret:
                remedy = (
                    'give auth.jwt.secret = {file="…"} and no JWKS, or name RS256, ES256, EdDSA'
                )
                raise SettingsError("needs a secret", remedy, key=key, value=algorithm)
            checks.one_of(key, algorithm, known)
        if not self.algorithms:
            raise SettingsError("names none", f"give some of {', '.join(known)}", key=key)

    def _check_keys(self) -> None:
        given = [name for name in ("jwks_file", "jwks_url", "secret") if getattr(self, name)]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "says nowhere what the keys are"
            remedy = "give one of jwks_file, jwks_url, secret"
            raise SettingsError(what, remedy, key="auth.jwt")


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise SettingsError("is no list of texts", 'write it as ["…"]', key=key, value=value)
    return tuple(value)


def _check_url(url: str) -> None:
    """
    Keys that anybody on the way can replace are no keys.
    """
    key = "auth.jwt.jwks_url"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise SettingsError("is no URL", "write https://host/path", key=key, value=url) from None
    local = bool(host) and Address(host, port).is_loopback
    if parts.username is not None or parts.password is not None:
        raise SettingsError("holds a password", "use an address without one", key=key)
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        what = "is not read over TLS"
        raise SettingsError(what, "write https://host/path", key=key, value=url)
