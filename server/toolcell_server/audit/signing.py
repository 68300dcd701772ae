"""
The key that checkpoints are signed with: Ed25519 (RFC 8032), so that whoever verifies needs the
public half alone, and cannot forge what he verifies.

Theory of operation.  A bare chain of hashes is written anew by whoever owns the file.  An HMAC key
would have to be given to every auditor, who could then forge; so there is none.  The private key is
read once, at start, and should belong to root or to a secret store: the tools of a server never see
it, because no cell has it.

`cryptography` is loaded only where there is a key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_ID_DIGITS: Final = 16


class BadKey(ValueError):  # noqa: N818  # names what it is
    """
    Raised when a text holds no key of that kind.  It never holds the key.
    """


class PublicKey:
    """
    Checks signatures.  `id` names the key: the first digits of its SHA-256.
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.id = hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_ID_DIGITS]

    @classmethod
    def from_pem(cls, text: bytes) -> Self:
        """
        Raises:
            BadKey: it is no public key of Ed25519.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        key = _loaded(load_pem_public_key, text)
        if not isinstance(key, Ed25519PublicKey):
            raise BadKey("is no public key of Ed25519 in PEM")
        return cls(key)

    def confirms(self, signature: str, message: bytes) -> bool:
        """
        Whether a signature (base64) of that message is of this key.
        """
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class Signer:
    """
    Signs.  Shows its key to nobody.
    """

    __slots__ = ("_key", "file", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.file = ""  # where it was read from, if from a file
        self.public = PublicKey(key.public_key())

    @classmethod
    def from_pem(cls, text: bytes) -> Self:
        """
        Raises:
            BadKey: it is no private key of Ed25519, unencrypted.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = _loaded(lambda data: load_pem_private_key(data, None), text)
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey("is no private key of Ed25519 in PEM; `toolcell audit keygen` makes one")
        return cls(key)

    def sign(self, message: bytes) -> str:
        """
        The signature, in base64.
        """
        return base64.b64encode(self._key.sign(message)).decode()

    def __repr__(self) -> str:
        return f"<signer {self.public.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied")


def generate(private: Path, public: Path) -> str:
    """
    Make a pair of keys in two new files, the private one readable by its owner alone.

    Returns:
        The id of the key.

    Raises:
        OSError: one of the files exists, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    shared = key.public_key().public_bytes(
        forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
    )
    for path, content, mode in ((private, secret, 0o600), (public, shared, 0o644)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    return PublicKey(key.public_key()).id


def _loaded(load: Any, text: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return load(text)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return None  # their texts could hold a part of it
