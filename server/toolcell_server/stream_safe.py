"""
Unicode normal forms in bounded time.  Pure.

Theory of operation.  Normalising sorts the marks that follow a letter, and CPython sorts them by
insertion: quadratic in their number, so that a megabyte of two marks in turn, which is one
argument, takes minutes, in one call that nothing can interrupt.  No language needs more than a few;
so, as Unicode says (UAX #15, Stream-Safe Text Format), a grapheme joiner is put behind each thirty
of them, which ends what is sorted at once.  https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from typing import Final, Literal

MOST_MARKS: Final = 30  # of UAX #15, D3
_JOINER: Final = "\u034f"
_FIRST, _LAST = 0x300, 0x1FFFF  # no mark lies outside; the tests look at all of Unicode


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """
    The text in that form; after thirty marks in a row stands a joiner, which nobody sees.
    """
    if text.isascii():
        return text
    return unicodedata.normalize(form, _too_many().sub(rf"\g<0>{_JOINER}", text))


def is_mark(character: str) -> bool:
    """
    Whether nothing but marks come out of a character.
    """
    return all(map(unicodedata.combining, unicodedata.normalize("NFKD", character)))


@functools.cache
def _too_many() -> re.Pattern[str]:
    numbers = [number for number in range(_FIRST, _LAST + 1) if is_mark(chr(number))]
    groups = itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    spans = [[number for _, number in group] for _, group in groups]
    marks = "".join(f"{chr(span[0])}-{chr(span[-1])}" for span in spans)
    return re.compile(f"[{marks}]{{{MOST_MARKS}}}(?=[{marks}])")
