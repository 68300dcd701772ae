"""
How a channel is secured: TLS, by whose authorities, and with which certificate of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """
    PEM files, "" where there is none.  Without `ca` the authorities are those that gRPC ships.
    """

    ca: str | os.PathLike[str] = ""
    certificate: str | os.PathLike[str] = ""
    key: str | os.PathLike[str] = ""

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """
        Raises:
            ValueError: a file cannot be read, or there is but one of certificate and key.
        """
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together; give both, as PEM files")
        return grpc.ssl_channel_credentials(
            root_certificates=_pem("ca", self.ca),
            private_key=_pem("key", self.key),
            certificate_chain=_pem("certificate", self.certificate),
        )

    def __bool__(self) -> bool:
        return bool(self.ca or self.certificate or self.key)


def _pem(name: str, path: str | os.PathLike[str]) -> bytes | None:
    if not path:
        return None
    try:
        data = Path(path).read_bytes()
    except OSError as exc:
        raise ValueError(f"{name} {path} cannot be read: {exc.strerror}") from None
    if b"-----BEGIN " not in data:
        raise ValueError(f"{name} {path} is no PEM file")
    return data
