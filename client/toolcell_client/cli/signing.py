"""
Signs what is uploaded.

A client needs no cryptography for anything else, so the base install has none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from toolcell_client.cli.exits import UsageError


def signature(content: bytes, key_file: str) -> bytes:
    """
    The signature of an upload by a private key of Ed25519, in a PEM file.

    Raises:
        UsageError: there is no such key, or nothing to sign with.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise UsageError("signing needs cryptography: pip install cryptography") from None
    try:
        key = load_pem_private_key(Path(key_file).read_bytes(), None)
    except OSError as exc:
        raise UsageError(f"{key_file} cannot be read: {exc.strerror}") from None
    except (TypeError, ValueError):
        key = None  # the library's texts could hold a part of it
    if not isinstance(key, Ed25519PrivateKey):
        remedy = "`openssl genpkey -algorithm ed25519` makes one"
        raise UsageError(f"{key_file} is no private key of Ed25519 in PEM; {remedy}")
    return key.sign(hashlib.sha256(content).digest())
