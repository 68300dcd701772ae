"""
A certificate authority for one run, and certificates of names, by the openssl program.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")


@dataclass(frozen=True, slots=True)
class Authority:
    """
    `certificate` is a PEM file that clients are told to trust.
    """

    folder: Path
    certificate: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """
        A new one, whose files lie in a folder.

        Raises:
            SubprocessError: openssl made none.
        """
        certificate = folder / "authority.pem"
        _openssl(
            *("req", "-x509", *_KEY, "-days", "2", "-subj", "/CN=Authority of a battery"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(folder / "authority.key"), "-out", str(certificate)),
        )
        certificate.chmod(0o644)
        return cls(folder, certificate)

    def issue(self, *names: str) -> tuple[Path, Path]:
        """
        A certificate for these names, and its key.

        Raises:
            SubprocessError: openssl made none.
        """
        stem = self.folder / names[0].replace("*", "any")
        key, request, certificate = (stem.with_suffix(s) for s in (".key", ".csr", ".crt"))
        _openssl("req", *_KEY, "-subj", "/CN=battery", "-keyout", str(key), "-out", str(request))
        extensions = stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={','.join(f'DNS:{name}' for name in names)}\n")
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-CAcreateserial"),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "authority.key")),
            *("-extfile", str(extensions), "-out", str(certificate)),
        )
        return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments],  # noqa: S607  # whichever the operator has
        check=True,
        capture_output=True,
        timeout=60,
    )
