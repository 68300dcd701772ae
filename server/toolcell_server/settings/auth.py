"""
The section `[auth]`: who may call, and by what he is known.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.identities import CertificateSettings, TokenSettings
from toolcell_server.settings.jwt import JwtSettings
from toolcell_server.settings.references import file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.principal import Principal
    from toolcell_server.secret_sources import Reference

CERTIFICATE_NAMES: Final = ("", "dns", "uri", "email")
NAMES: Final = ("tokens", "tokens_file", "certificates", "certificate_names")
JWT_NAMES: Final = tuple(field.name for field in fields(JwtSettings))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """
    Callers are known by static `tokens` (and those in `tokens_file`, read again when it changes),
    by JWTs, or by their certificates: those that are listed, and, with `certificate_names`, by the
    one name of that kind in each.  `enabled` is whether callers are asked who they are: so as soon
    as the section says anything, because a list that has been emptied must lock out, not let in.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    tokens: tuple[TokenSettings, ...] = ()
    tokens_file: Reference | None = None
    certificates: tuple[CertificateSettings, ...] = ()
    certificate_names: str = ""
    jwt: JwtSettings | None = None
    enabled: bool = False

    def __post_init__(self) -> None:
        checks.one_of("auth.certificate_names", self.certificate_names, CERTIFICATE_NAMES)
        names = [certificate.san for certificate in self.certificates]
        for name in names:
            if names.count(name) > 1:
                key = "auth.certificates.san"
                raise SettingsError("is given twice", "remove one", key=key, value=name)
        first: dict[bytes, int] = {}
        for index, token in enumerate(self.tokens):
            before = first.setdefault(token.digest, index) if token.digest else index
            if before != index:
                what = f"is that of auth.tokens[{before}], too"
                remedy = "a token is of one principal; make another with: toolcell token new"
                raise SettingsError(what, remedy, key=f"auth.tokens[{index}].sha256")

    @classmethod
    def build(cls, section: Mapping[str, Any], jwt: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        tokens_file = section.get("tokens_file")
        return cls(
            tokens=TokenSettings.build("auth.tokens", section.get("tokens", [])),
            tokens_file=file("auth.tokens_file", tokens_file) if tokens_file is not None else None,
            certificates=CertificateSettings.build(section.get("certificates", [])),
            certificate_names=section.get("certificate_names", ""),
            jwt=JwtSettings.build(jwt),
            enabled=bool(section or jwt),
        )

    @property
    def by_certificate(self) -> bool:
        """
        Whether a certificate says who calls.
        """
        return bool(self.certificates or self.certificate_names)

    @property
    def principals(self) -> tuple[Principal, ...]:
        """
        The principals that the settings themselves name.
        """
        listed = [token.principal for token in self.tokens]
        return (*listed, *(certificate.principal for certificate in self.certificates))

    @property
    def names(self) -> frozenset[str]:
        """
        The names of those principals.
        """
        return frozenset(principal.name for principal in self.principals)
