"""
Pages of a list (AIP-158): sizes, and tokens that say where the next page begins.

Theory of operation.  A token holds the position of the last item of a page, bound to the filters
by a digest, so that a token used with other filters is noticed instead of skipping items.  It is
scrambled, so that nobody comes to depend on what is inside; it is not secret and grants nothing,
hence no key: every replica, and a restarted server, reads the tokens of the others.  A position is
the sort key of an item and not an offset: items that come or go between two pages shift nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.refusals import BadPageToken, InvalidField

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SIZE: Final = 50
MAXIMUM_SIZE: Final = 1000
_MAXIMUM_TOKEN: Final = 1024  # far above any that we make
_DIGEST_BYTES: Final = 16
_MOST_DIGITS: Final = 20  # those of executions begin at the time, in nanoseconds


def size(requested: int) -> int:
    """
    How many items a page has: 0 means the default, and more than the maximum is the maximum.

    Raises:
        InvalidField: it is negative.
    """
    if requested < 0:
        raise InvalidField("page_size", "must not be negative; 0 means the default")
    return min(requested or DEFAULT_SIZE, MAXIMUM_SIZE)


def encode(position: str, filters: Mapping[str, Any]) -> str:
    """
    The token of the page after `position`.  `filters` are JSON values; page size is not one.
    """
    plain = position.encode()
    digest = _digest(plain, filters)
    sealed = digest + _scramble(plain, digest)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode(token: str, filters: Mapping[str, Any]) -> str:
    """
    The position that a token holds; "" for no token, which means the first page.

    Raises:
        BadPageToken: it is malformed, or was made for other filters.
    """
    if not token:
        return ""
    if len(token) > _MAXIMUM_TOKEN:
        raise BadPageToken("is malformed")
    try:
        padded = token + "=" * (-len(token) % 4)
        sealed = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise BadPageToken("is malformed") from None
    digest, scrambled = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    plain = _scramble(scrambled, digest)
    if digest != _digest(plain, filters):
        raise BadPageToken("is malformed or was made for other filters")
    try:
        return plain.decode()
    except UnicodeDecodeError:  # no key is needed to make a token whose digest is right
        raise BadPageToken("is malformed") from None


def number_before(token: str, filters: Mapping[str, Any]) -> int:
    """
    The number that a token of a list holds whose newest items come first; without a token one above
    all that there are.

    Raises:
        BadPageToken: as `decode`, or it holds no number.
    """
    position = decode(token, filters)
    if not position:
        return sys.maxsize
    # Whoever knows how tokens are made can make one; only digits are taken, and only a few.
    if not (position.isascii() and position.isdecimal() and len(position) <= _MOST_DIGITS):
        raise BadPageToken("is malformed")
    return min(int(position), sys.maxsize)  # a database takes no larger one


def _digest(plain: bytes, filters: Mapping[str, Any]) -> bytes:
    bound = json.dumps(filters, sort_keys=True).encode()
    return hashlib.blake2b(plain, key=_key(bound), digest_size=_DIGEST_BYTES).digest()


def _key(bound: bytes) -> bytes:
    return hashlib.blake2b(bound, person=b"toolcell page v1").digest()


def _scramble(data: bytes, digest: bytes) -> bytes:
    stream = hashlib.shake_256(digest).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))
