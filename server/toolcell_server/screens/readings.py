"""
The readings of one text: what it may be once others have decoded it.  Pure.

Theory of operation.  An attack is rarely sent as it stands in a textbook: letters become full-width
ones, quotes are percent-encoded, twice if a proxy decodes once, and NULs or invisible characters
are put between letters.  Each screen therefore sees a few readings, each in small letters, and
speaks when one of them fits.  Decoding is bounded: twice, as nearly every chain of programs, and a
text that grows beyond all measure by it is not read but told as `Unreadable`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from toolcell_server.stream_safe import normalized

MAXIMUM: Final = (
    32 * 1024
)  # characters; all screens together take some 100 ms for the worst of them
_DECODINGS: Final = 2
# What looks like a separator, and NFKC leaves as it is.
_SEPARATORS: Final = str.maketrans(
    dict.fromkeys("\u2215\u2044\u29f8", "/") | dict.fromkeys("\u29f5\u2216", "\\") | {"\u3002": "."}
)
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_OVERLONG: Final = (
    ("%c0%ae", "."),
    ("%c0%2e", "."),
    ("%e0%80%ae", "."),
    ("%c0%af", "/"),
    ("%e0%80%af", "/"),
    ("%c1%9c", "\\"),
    ("%u002e", "."),
    ("%u2215", "/"),
    ("%u2216", "\\"),
    ("%u003c", "<"),
    ("%u0027", "'"),
)


class Unreadable(Exception):  # noqa: N818  # names what happened
    """
    Raised when a text is too long to be screened in bounded time.
    """


def readings(text: str) -> list[str]:
    """
    What the text may be read as, each once: as sent, and percent-decoded once and twice.

    Raises:
        Unreadable: one of them has more than `MAXIMUM` characters.
    """
    found = [normal(text)]
    for _ in range(_DECODINGS):
        if "%" not in text:
            break
        text = unquote(_whole(text), errors="replace")
        found.append(normal(text))
    return list(dict.fromkeys(found))


def normal(text: str) -> str:
    """
    The text in its compatible form, in small letters, without what nobody sees.

    Raises:
        Unreadable: it has more than `MAXIMUM` characters.
    """
    if len(text) > MAXIMUM:
        raise Unreadable
    if not text.isascii():
        text = normalized("NFKC", text).translate(_SEPARATORS)
    text = _INVISIBLE.sub("", text).casefold()
    if len(text) > MAXIMUM:
        raise Unreadable
    return text


def _whole(text: str) -> str:
    """
    With what lenient decoders take for ASCII written as such.
    """
    lower = text.lower()
    if not any(code in lower for code, _ in _OVERLONG):
        return text
    for code, plain in _OVERLONG:
        lower = lower.replace(code, plain)
    return lower
