"""
Places in a sequence that nobody can read: for callers who must not learn how many steps others have
made in between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

_NONCE: Final = 12
_NUMBER: Final = 8
_TAG: Final = 16


class Tokens:
    """
    Seals numbers with a key of its own.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sealed(self, number: int) -> str:
        """
        A token of that number, another one each time.
        """
        nonce = secrets.token_bytes(_NONCE)
        body = nonce + self._masked(nonce, number.to_bytes(_NUMBER))
        return base64.urlsafe_b64encode(body + self._tag(body)).decode()

    def opened(self, token: str) -> int | None:
        """
        The number in a token; None: it is none of these.
        """
        try:
            data = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return None
        body, tag = data[:-_TAG], data[-_TAG:]
        if len(body) != _NONCE + _NUMBER or not hmac.compare_digest(tag, self._tag(body)):
            return None
        return int.from_bytes(self._masked(body[:_NONCE], body[_NONCE:]))

    def _masked(self, nonce: bytes, data: bytes) -> bytes:
        mask = hashlib.blake2b(nonce, key=self._key, digest_size=_NUMBER, person=b"mask").digest()
        return bytes(one ^ other for one, other in zip(data, mask, strict=True))

    def _tag(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._key, digest_size=_TAG, person=b"tag").digest()
