"""
JSON Web Tokens: is it authentic, for us, and of now.

Theory of operation.  RFC 8725 is the checklist.  The header is read first, because it names the
key; all that it decides is which of the operator's keys is tried with which of the operator's
algorithms. The key must be of the algorithm's kind (`key_set.py`), so that a public key is never
the secret of an HS256.  A header with `crit` is refused (RFC 7515 §4.1.11: we understand no
extension).  Then the signature, then the claims: nothing about them is said of a token that is not
authentic.

`exp`, `iat`, `iss` and `aud` must be there.  `nbf` is obeyed where it is: most issuers leave it
out.

A signature costs a tenth of a millisecond, a call has one millisecond: what was verified is
remembered by its SHA-256 until it expires, the last 4096 of them.  What was not is not remembered,
or anybody could fill the memory.  When the keys change, everything is forgotten: the key of a
remembered token may be gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import jwt

from toolcell_server.authentication.claims import Unusable, principal_of
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.verified import Verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.authentication.keys import Keys
    from toolcell_server.authentication.verified import Expand
    from toolcell_server.settings import JwtSettings

REMEMBERED: Final = 4096  # about 2 MiB
MAXIMUM_KID: Final = 256
_REQUIRED: Final = ("exp", "iat", "iss", "aud")
# The more exact come first: an expired token is an invalid one too.
_KINDS: Final = (
    (jwt.ExpiredSignatureError, Kind.EXPIRED),
    (jwt.ImmatureSignatureError, Kind.NOT_YET_VALID),
    (jwt.InvalidIssuerError, Kind.ISSUER),
    (jwt.InvalidAudienceError, Kind.AUDIENCE),
    (jwt.MissingRequiredClaimError, Kind.CLAIMS),
    (jwt.InvalidSignatureError, Kind.SIGNATURE),
    (jwt.InvalidAlgorithmError, Kind.ALGORITHM),
    (jwt.InvalidKeyError, Kind.ALGORITHM),
    (jwt.DecodeError, Kind.MALFORMED),
)


class Jwts:
    """
    Verifies tokens of one issuer.
    """

    def __init__(
        self,
        settings: JwtSettings,
        keys: Keys,
        expand: Expand,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._expand = expand
        self._clock = clock
        self._remembered: dict[bytes, Verified] = {}
        self._generation: object = None

    async def verify(self, token: str, digest: bytes) -> Verified:
        """
        Who a token is of; `digest` is its SHA-256.

        Raises:
            NotAuthentic: nobody, or not any more.
        """
        generation = self._keys.generation()
        if generation is not self._generation:
            self._remembered.clear()
            self._generation = generation
        verified = self._remembered.get(digest)
        if verified is None:
            verified = await self._verified(token)
            self._remember(digest, verified)
        elif verified.expires <= self._clock():
            del self._remembered[digest]
            raise NotAuthentic(Kind.EXPIRED)
        return verified

    async def _verified(self, token: str) -> Verified:
        kid, algorithm = self._header(token)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise NotAuthentic(Kind.UNKNOWN_KEY)
        claims = self._claims(token, key, algorithm)
        try:
            principal = principal_of(claims, self._settings)
            expires = float(claims["exp"]) + self._settings.leeway_seconds
        except (Unusable, OverflowError):
            raise NotAuthentic(Kind.CLAIMS) from None
        return Verified(self._expand(principal), expires, claimed=True)

    def _header(self, token: str) -> tuple[str | None, str]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise NotAuthentic(Kind.MALFORMED) from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.algorithms:
            raise NotAuthentic(Kind.ALGORITHM)
        if "crit" in header or not (kid is None or isinstance(kid, str)):
            raise NotAuthentic(Kind.MALFORMED)
        if kid is not None and len(kid) > MAXIMUM_KID:
            raise NotAuthentic(Kind.UNKNOWN_KEY)
        return kid, algorithm

    def _claims(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                leeway=self._settings.leeway_seconds,
                options={"require": list(_REQUIRED)},
            )
        except jwt.PyJWTError as exc:
            kinds = (kind for error, kind in _KINDS if isinstance(exc, error))
            raise NotAuthentic(next(kinds, Kind.CLAIMS)) from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise NotAuthentic(Kind.MALFORMED) from None

    def _remember(self, digest: bytes, verified: Verified) -> None:
        if len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = verified
