"""
TLS of the server: its certificate, reloaded when it is renewed, and the authorities of clients.

Theory of operation.  gRPC asks for the certificates at each handshake, from a thread of its own; it
is given new ones if the files have changed and fit each other: the key is the certificate's,
nothing has expired, the chain can be read.  A pair of which only one file has been replaced yet
does not fit, so the old pair stays until the other follows.  Connections that exist keep what they
began with.

What gRPC would do with a fetcher that fails is to go on silently, so ours cannot: `reloading.py`
says it in the log and in a metric.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from toolcell_server.reloading import Reloaded
from toolcell_server.secret_sources import SecretUnavailable
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from toolcell_server.settings import TlsSettings


@dataclass(frozen=True, slots=True)
class Certificates:
    """
    What one handshake needs, as PEM; `expires` is the end of the server's own, in seconds since the
    epoch.
    """

    chain: bytes
    key: bytes = field(repr=False)
    authorities: bytes
    expires: float


class Tls:
    """
    The certificates as they are now.

    Raises:
        SettingsError: they cannot be read or do not fit; names the key and the reason.
    """

    def __init__(
        self, settings: TlsSettings, failing: Callable[[bool], None] = lambda _: None
    ) -> None:
        try:
            self._reloaded = Reloaded(
                "TLS certificates", settings.references, checked, failing=failing
            )
        except (SecretUnavailable, ValueError) as exc:
            remedy = "give PEM files that belong together"
            raise SettingsError(str(exc), remedy, key="server.tls") from None
        self._demand = settings.client_ca is not None

    def expires(self) -> float:
        """
        When the certificate ends, in seconds since the epoch.
        """
        return self._reloaded.current().expires

    def credentials(self) -> grpc.ServerCredentials:
        """
        What a gRPC server listens with.
        """
        import grpc  # after the zygotes were started

        told = self._reloaded.current()

        def renewed() -> Any:  # None: nothing has changed; the stubs do not know of that
            nonlocal told
            current = self._reloaded.current()
            if current is told:
                return None
            told = current
            return _configuration(current)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(told), renewed, require_client_authentication=self._demand
        )


def _configuration(now: Certificates) -> grpc.ServerCertificateConfiguration:
    import grpc  # as above

    pair = [(now.key, now.chain)]
    return grpc.ssl_server_certificate_configuration(pair, now.authorities or None)


def checked(chain: bytes, key: bytes, authorities: bytes = b"") -> Certificates:
    """
    Certificates that a handshake can be made with.

    Raises:
        ValueError: they cannot be read, do not belong together, or have expired; holds no key.
    """
    certificate = _certificates("the certificate", chain)[0]
    if authorities:
        _certificates("the file of authorities", authorities)
    try:
        public = load_pem_private_key(key, password=None).public_key()
    except TypeError:
        raise ValueError("the key is encrypted; give one without a password") from None
    except Exception:  # noqa: BLE001  # UnsupportedAlgorithm and others; their texts are not ours
        raise ValueError("the key is no private key in PEM") from None
    if public != certificate.public_key():
        raise ValueError("the key is not that of the certificate")
    ends = certificate.not_valid_after_utc
    if ends <= dt.datetime.now(dt.UTC):
        raise ValueError(f"the certificate has expired on {ends:%Y-%m-%d}")
    return Certificates(chain, key, authorities, ends.timestamp())


def _certificates(what: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, x509.InvalidVersion):
        raise ValueError(f"{what} is no certificate in PEM") from None
