"""
The operator's keys that uploads are signed by: Ed25519 (RFC 8032) over the SHA-256 of the content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.settings.upload_keys import UploadKey

SIGNATURE_BYTES = 64


def signer(keys: Sequence[UploadKey], digest: bytes, signature: bytes) -> str:
    """
    The name of the key that a signature of this digest is of; empty: of none.
    """
    if len(signature) != SIGNATURE_BYTES:
        return ""
    # Here: it takes longer to load than a server without it takes to start.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, digest)
        except InvalidSignature:
            continue
        return key.name
    return ""
