"""
Texts as words that can be compared: `sendEmail`, "Sends e-mails" and "emailing" have one in common.
Pure.

Theory of operation.  Names are written `read_file`, `read-file` or `readFile`; users write "read a
file", and "readfile".  So a text is split where a name is, and of a name neighbours are joined as
well.  What is left is stemmed by the English algorithm of Snowball, which leaves words of other
languages nearly as they are; words that say nothing ("please", "the") are left out.

A query is a caller's, and bounded: so many characters, so many words, none longer than any that is
worth comparing.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snowballstemmer.english_stemmer import EnglishStemmer

MOST_WORDS: Final = 32  # of a query that say something; arbitrary, a long sentence has twenty
_LONGEST_WORD: Final = 32
_JOINED: Final = 4  # words of a name that are joined at most
# Where a name changes from one word to the next: readFile, HTTPServer, utf8 stays.
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD: Final = re.compile(r"[^\W_]+")
_SAY_NOTHING: Final = """
a about after all also am an and any anybody are as at be been but by can could did do does
doing for from get gets give gives go had has have having he her hers him his how i if in
into is it its itself just kindly let lets like make makes me might must my need needs no
not of off on one or our out over please shall she should so some somebody something than
that the their them then there these they thing things this those through to tool tools up
us use used uses using very want wants was we were what when where which while who whose why
will with would you your
"""
STOP: Final = frozenset(_SAY_NOTHING.split())


def of_text(text: str) -> Iterator[str]:
    """
    The words of a text, as they are written but for capitals.
    """
    composed = unicodedata.normalize("NFC", _HUMPS.sub(" ", text)).lower()
    for found in _WORD.finditer(composed.replace("e-mail", "email")):
        if (word := found[0][:_LONGEST_WORD]) not in STOP:
            yield word


def joined(name: str) -> Iterator[str]:
    """
    The words that neighbours in a name are together.
    """
    parts = _WORD.findall(_HUMPS.sub(" ", name).lower())
    for first, last in itertools.combinations(range(len(parts) + 1), 2):
        if 2 <= last - first <= _JOINED:
            yield "".join(parts[first:last])[:_LONGEST_WORD]


def of_query(query: str) -> list[str]:
    """
    The words of a query, each once, in its order.  If it has none but such as say nothing, those.
    """
    found = dict.fromkeys(of_text(query)) or dict.fromkeys(_WORD.findall(query.lower()))
    return [word[:_LONGEST_WORD] for word in itertools.islice(found, MOST_WORDS)]


@functools.lru_cache(maxsize=32_768)
def stem(word: str) -> str:
    """
    What a word has in common with its other forms.
    """
    return str(_stemmer().stemWord(word))


@functools.cache
def _stemmer() -> EnglishStemmer:
    # It takes as long as the rest of the server: whom nobody searches does without.
    from snowballstemmer import english_stemmer

    return english_stemmer.EnglishStemmer()
