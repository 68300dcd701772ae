"""
Real certificates for a test: an authority, and what it signs.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Papers:
    """
    A certificate and its key, as PEM files.
    """

    certificate: Path
    key: Path

    def put_in_place_of(self, other: Papers) -> None:
        """
        Replace the files of another, as a renewing agent does.
        """
        self.certificate.replace(other.certificate)
        self.key.replace(other.key)


class Authority:
    """
    Signs certificates; `ca` is its own, as a PEM file.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = _builder(self._name, self._name, self._key, DAY).add_extension(constraints, True)
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def server(self, name: str = "server", days: float = 1) -> Papers:
        """
        For 127.0.0.1 and localhost.
        """
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self.sign(name, [address, x509.DNSName("localhost")], days)

    def sign(self, name: str, names: Sequence[x509.GeneralName], days: float = 1) -> Papers:
        """
        A certificate with these subject alternative names that ends in so many days.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(name), self._name, key, days * DAY)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        papers = Papers(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        papers.certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        papers.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return papers


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, lasts: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - 3 * DAY,
        not_valid_after=now + lasts,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
