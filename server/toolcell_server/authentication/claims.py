"""
From the claims of a token that is authentic to a principal.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.settings import JwtSettings

MAXIMUM_WORDS: Final = 256  # arbitrary; roles, or scopes, of one principal
_WORD: Final = re.compile(r"[\x21-\x7e]{1,256}")
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,256}")


class Unusable(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a claim is missing or of a shape that cannot be used.
    """


def principal_of(claims: Mapping[str, Any], settings: JwtSettings) -> Principal:
    """
    Raises:
        Unusable: a claim that is there cannot be used, or the name is missing.
    """
    name = _text(_at(claims, settings.name_claim))
    return Principal(
        name=f"{settings.name_prefix}{name}",
        roles=_words(_at(claims, settings.roles_claim)),
        scopes=_words(_at(claims, settings.scopes_claim)),
        session=_text(session) if (session := _at(claims, settings.session_claim)) else "",
    )


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """
    The claim of that name; else what stands at the end of the dotted path.  None: nothing.
    """
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split(".") if path else ():
        found = found.get(part) if isinstance(found, dict) else None
    return found if path else None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise Unusable("is no text of 1 to 256 printable characters")
    return value


def _words(value: Any) -> frozenset[str]:
    """
    A list of words, or one text of words (RFC 6749 §3.3).
    """
    words = value.split() if isinstance(value, str) else value
    if words is None:
        return frozenset()
    if not isinstance(words, list) or len(words) > MAXIMUM_WORDS:
        raise Unusable("is no list of words")
    if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
        raise Unusable("has what is no word")
    return frozenset(words)
