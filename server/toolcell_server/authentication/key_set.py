"""
A JSON Web Key Set (RFC 7517): which key checks which signature.  Pure.

Theory of operation.  A key fits an algorithm by what it is, never by what a token says of it: RSA
keys for RS* and PS*, a curve for its ES*, Ed25519 for EdDSA.  A key that says `alg` serves that one
only; one for encryption, a symmetric one and one that is too short serve none.  A token names its
key by `kid`, which is looked up and nothing else: it is no path, no query, no address.  `jku`,
`x5u`, `jwk` and `x5c`, by which a token brings its own key, are never looked at (RFC 8725 §3.10).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIMUM_RSA_BITS: Final = 2048  # RFC 7518 §3.3
MAXIMUM_KEYS: Final = 100  # arbitrary; issuers have two or three
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    A public key, and the algorithms that it may be used with.
    """

    kid: str
    algorithms: frozenset[str]
    key: Any


@dataclass(frozen=True, slots=True)
class KeySet:
    """
    The keys of one issuer.
    """

    keys: tuple[SigningKey, ...]

    @classmethod
    def parse(cls, data: bytes) -> KeySet:
        """
        The usable keys of a set; what else is in there is left out, as RFC 7517 §5 says.

        Raises:
            ValueError: it is no set, or has no usable key.
        """
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise ValueError("is no JSON") from None
        entries = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(entries, list) or len(entries) > MAXIMUM_KEYS:
            raise ValueError(f'is no key set: {{"keys": […]}} of at most {MAXIMUM_KEYS}')
        keys = tuple(key for key in map(_key, entries) if key)
        if not keys:
            raise ValueError("has no public key for signatures (RSA of 2048 bits, EC, Ed25519)")
        return cls(keys)

    def find(self, kid: str | None, algorithm: str) -> Any:
        """
        The key for a signature; None: there is none, or more than one.  So a token without `kid`
        is checked if there is but one key for its algorithm.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms]
        if kid is not None:
            fitting = [key for key in fitting if key.kid == kid]
        return fitting[0].key if len(fitting) == 1 else None


def _key(entry: Any) -> SigningKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    operations = entry.get("key_ops")
    if isinstance(operations, list) and "verify" not in operations:
        return None
    kid, key = entry.get("kid", ""), _public(entry)
    algorithms = _algorithms(key)
    if "alg" in entry:
        algorithms &= {entry["alg"]} if isinstance(entry["alg"], str) else set()
    if not isinstance(kid, str) or not algorithms:
        return None
    return SigningKey(kid, algorithms, key)


def _public(entry: Mapping[str, Any]) -> Any:
    """
    The public key of an entry: also of one that, by somebody's mistake, holds the private one.
    """
    if entry.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        key = jwt.PyJWK({**entry, "use": "sig"}).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key.public_key() if hasattr(key, "public_key") else key


def _algorithms(key: Any) -> frozenset[str]:
    if isinstance(key, rsa.RSAPublicKey):
        return _RSA if key.key_size >= MINIMUM_RSA_BITS else frozenset()
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = _CURVES.get(key.curve.name)
        return frozenset({name} if name else ())
    return frozenset({"EdDSA"}) if isinstance(key, ed25519.Ed25519PublicKey) else frozenset()
