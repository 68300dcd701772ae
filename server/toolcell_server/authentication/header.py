"""
The one credential in the metadata of a call.  Pure.

RFC 6750 §2.1, RFC 9110 §11.1: the scheme's case does not matter, the token's characters are those
of `token68`.  Two credentials are refused and not chosen from: a proxy that checked the first, and
we that obeyed the second, would let anybody in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.authentication.failure import Kind, NotAuthentic

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY: Final = "authorization"
# gRPC takes 8 KiB of metadata for sure, and more by luck.
MAXIMUM_CHARACTERS: Final = 8192
_BEARER: Final = re.compile(r"(?i:bearer) {1,8}([A-Za-z0-9\-._~+/]+={0,2})", re.ASCII)


def token_in(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """
    The bearer token; "" if the metadata has no authorization.

    Raises:
        NotAuthentic: there is one that is no bearer token, or more than one.
    """
    found = [value for key, value in metadata if key == KEY]
    if not found:
        return ""
    if len(found) > 1:
        raise NotAuthentic(Kind.REPEATED)
    value = found[0]
    if len(value) > MAXIMUM_CHARACTERS:
        raise NotAuthentic(Kind.OVERSIZED)
    bearer = _BEARER.fullmatch(value) if isinstance(value, str) else None
    if bearer is None:
        raise NotAuthentic(Kind.MALFORMED)
    return bearer[1]
