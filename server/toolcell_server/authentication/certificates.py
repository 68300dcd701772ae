"""
From a client's certificate, which TLS has verified, to a principal.

Theory of operation.  Names are compared by kind: the kind of a listed name is seen by its shape
("://": a URI, "@": an address of mail, else DNS), and only names of that kind in the certificate
are looked at, so that a DNS name that looks like a SPIFFE id is none.  The subject's common name is
not looked at (RFC 9525 §2).  A certificate that would be two principals is none.

TLS looks at the dates when a connection is made; connections live long, so each call looks at the
end again.  A certificate that an authority has revoked since, or an authority that is no longer
trusted, is noticed when the next connection is made, not before.

Parsing costs some tens of microseconds, so what was found is remembered by the certificate's text.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from cryptography import x509

from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.verified import Verified
from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from toolcell_server.authentication.verified import Expand
    from toolcell_server.settings import AuthSettings

REMEMBERED: Final = 1024
MAXIMUM_NAME: Final = 256
PEM: Final = "x509_pem_cert"  # of grpc.ServicerContext.auth_context
_KINDS: Final[dict[str, type[x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name]]] = {
    "dns": x509.DNSName,
    "uri": x509.UniformResourceIdentifier,
    "email": x509.RFC822Name,
}


class Certificates:
    """
    Who each certificate is of.
    """

    def __init__(
        self, settings: AuthSettings, expand: Expand, clock: Callable[[], float] = time.time
    ) -> None:
        self._listed = {
            (kind_of(each.san), _folded(each.san)): each.principal for each in settings.certificates
        }
        self._kind = settings.certificate_names
        self._expand = expand
        self._clock = clock
        self._remembered: dict[bytes, Verified] = {}

    def find(self, peer: Mapping[str, Iterable[bytes]]) -> Verified | None:
        """
        Who the peer of a connection is; None: it has shown no certificate.

        Raises:
            NotAuthentic: the certificate is nobody's, or not any more.
        """
        pem = next(iter(peer.get(PEM, ())), b"")
        if not pem:
            return None
        verified = self._remembered.get(pem)
        if verified is None:
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            verified = self._remembered[pem] = self._verified(pem)
        if verified.expires <= self._clock():
            raise NotAuthentic(Kind.EXPIRED)
        return verified

    def _verified(self, pem: bytes) -> Verified:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
            raise NotAuthentic(Kind.CERTIFICATE) from None
        principal, claimed = self._principal(names.value)
        expires = certificate.not_valid_after_utc.timestamp()
        return Verified(self._expand(principal), expires, claimed=claimed)

    def _principal(self, names: x509.SubjectAlternativeName) -> tuple[Principal, bool]:
        """
        Whose these names are; and whether that is what they say themselves.
        """
        found = {kind: names.get_values_for_type(of) for kind, of in _KINDS.items()}
        pairs = {(kind, _folded(name)) for kind, values in found.items() for name in values}
        listed = [principal for pair, principal in self._listed.items() if pair in pairs]
        own = found[self._kind] if self._kind else []
        if len(listed) == 1:
            return listed[0], False
        if listed or len(own) != 1:
            raise NotAuthentic(Kind.CERTIFICATE)
        return _named(own[0]), True


def _named(name: str) -> Principal:
    if not (0 < len(name) <= MAXIMUM_NAME and name.isprintable()) or "*" in name:
        raise NotAuthentic(Kind.CERTIFICATE)
    return Principal(name=_folded(name))


def kind_of(name: str) -> str:
    """
    "uri", "email" or "dns", by the shape of a name.
    """
    if "://" in name:
        return "uri"
    return "email" if "@" in name else "dns"


def _folded(name: str) -> str:
    """
    DNS names are the same in either case; of the others that is not sure.
    """
    return name.lower() if kind_of(name) == "dns" else name
