"""
What the command line signs uploads with.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from toolcell_client.cli.exits import UsageError
from toolcell_client.cli.signing import signature

if TYPE_CHECKING:
    from pathlib import Path

CODE = b"def tool(): ..."


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_digest_of_the_content_is_signed(tmp_path: Path) -> None:
    """
    The key's public half confirms it, or raises.
    """
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(pem(key))
    signed = signature(CODE, str(tmp_path / "key"))

    assert 64 == len(signed)
    key.public_key().verify(signed, hashlib.sha256(CODE).digest())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"no key", "no private key of Ed25519"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "openssl genpkey"),
    ],
    ids=["no file", "no key", "a key of another kind"],
)
def test_what_is_no_key_is_named_with_the_remedy(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """
    And nothing of it is shown.
    """
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        signature(CODE, str(tmp_path / "key"))
