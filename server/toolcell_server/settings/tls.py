"""
The section `[server.tls]`: the certificate of the server, and whose certificates it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.references import file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.secret_sources import Reference

NAMES: Final = ("certificate", "key", "client_ca", "require_client_certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """
    PEM files: the chain of the server, its own certificate first; its private key; and the
    authorities of clients, who then must have a certificate of theirs.  None of them: no TLS.

    Raises:
        SettingsError: they do not go together.
    """

    certificate: Reference | None = None
    key: Reference | None = None
    client_ca: Reference | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            missing = "certificate" if self.certificate is None else "key"
            what = f"needs server.tls.{missing} too"
            raise SettingsError(what, "name both PEM files", key="server.tls")
        if self.client_ca and not self.certificate:
            what = "needs server.tls.certificate and server.tls.key"
            raise SettingsError(what, "name all three PEM files", key="server.tls.client_ca")

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        names = ("certificate", "key", "client_ca")
        files = {
            name: file(f"server.tls.{name}", section[name]) for name in names if name in section
        }
        built = cls(**files)
        _check_demand(section.get("require_client_certificate"), asked=bool(built.client_ca))
        return built

    @property
    def references(self) -> tuple[Reference, ...]:
        """
        The files that there are: certificate, key, authorities of clients.
        """
        return tuple(filter(None, (self.certificate, self.key, self.client_ca)))


def _check_demand(demand: Any, *, asked: bool) -> None:
    """
    GRPC for Python asks every client for a certificate or none; a setting that seems to ask some
    would be one that nothing keeps.
    """
    key = "server.tls.require_client_certificate"
    if demand is None:
        return
    checks.switch(key, demand)
    if demand and not asked:
        what = "needs authorities to verify them by"
        raise SettingsError(what, "name their PEM file as server.tls.client_ca", key=key)
    if asked and not demand:
        what = "cannot be had: gRPC asks every client for a certificate, or none"
        raise SettingsError(what, "remove it, or remove server.tls.client_ca", key=key)
